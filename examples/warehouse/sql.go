package main

import (
	"fmt"
	"strings"
)

// What both databases speak.

// checkpoints is where the checkpoints are, by the name of the table.
const (
	createCheckpoints = `CREATE TABLE IF NOT EXISTS ada_checkpoints (table_name TEXT PRIMARY KEY, checkpoint TEXT NOT NULL)`
	selectCheckpoint  = `SELECT checkpoint FROM ada_checkpoints WHERE table_name = $1`
	upsertCheckpoint  = `INSERT INTO ada_checkpoints VALUES ($1, $2) ON CONFLICT (table_name) DO UPDATE SET checkpoint = excluded.checkpoint`
)

// create returns what creates the table, with the database's types.
func (t table) create(types map[kind]string) string {
	lines := make([]string, len(t.columns))
	for i, c := range t.columns {
		lines[i] = c.name + " " + types[c.kind]
	}
	lines[0] += " PRIMARY KEY"
	return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (%s)", t.name, strings.Join(lines, ", "))
}

// upsert returns what inserts rows from values, or puts them in the place of those with the same id.
func (t table) upsert(values string) string {
	set := make([]string, 0, len(t.columns))
	for _, name := range t.names()[1:] {
		set = append(set, name+" = excluded."+name)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) %s ON CONFLICT (id) DO UPDATE SET %s",
		t.name, strings.Join(t.names(), ", "), values, strings.Join(set, ", "))
}

func (t table) names() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}
