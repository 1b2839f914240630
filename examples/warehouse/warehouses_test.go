package main

import (
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adasdk/ada-go/ada/adatest"
	"github.com/adasdk/ada-go/dataexport"
	"github.com/parquet-go/parquet-go"
)

func TestSQLite(t *testing.T) { suite(t, newSQLite) }

func newSQLite(t *testing.T) place {
	path := filepath.Join(t.TempDir(), "of ada?.db")
	return place{
		args: []string{"-db", path}, env: []string{"DATABASE_URL="}, options: options{db: path},
		read: func(t *testing.T, table table) []map[string]string {
			t.Helper()
			w, err := openSQLite(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			return readSQL(t, w.db, table)
		},
	}
}

// readSQL returns the rows of a table of a database.
func readSQL(t *testing.T, db *sql.DB, table table) (all []map[string]string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT "+strings.Join(table.names(), ", ")+" FROM "+table.name)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		values, pointers := make([]any, len(table.columns)), make([]any, len(table.columns))
		for i := range values {
			pointers[i] = &values[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			t.Fatal(err)
		}
		row := map[string]string{}
		for i, v := range values {
			switch v := v.(type) {
			case nil:
			case int64:
				if row[table.columns[i].name] = fmt.Sprint(v); table.columns[i].kind == boolean {
					row[table.columns[i].name] = fmt.Sprint(v == 1) // as SQLite has it
				}
			case time.Time:
				row[table.columns[i].name] = v.UTC().Format("2006-01-02 15:04:05.000000")
			case []byte:
				row[table.columns[i].name] = string(v)
			default:
				row[table.columns[i].name] = fmt.Sprint(v)
			}
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSQLiteIsForItsOwner(t *testing.T) {
	p := newSQLite(t)
	p.read(t, messages.table)
	if info, err := os.Stat(p.options.db); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestParquet(t *testing.T) { suite(t, newParquet) }

func newParquet(t *testing.T) place {
	dir := filepath.Join(t.TempDir(), "of ada [*]")
	return place{
		args: []string{"-parquet", dir}, options: options{parquet: dir}, keep: true,
		read: func(t *testing.T, table table) (all []map[string]string) {
			t.Helper()
			entries, err := os.ReadDir(filepath.Join(dir, table.name))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if strings.HasSuffix(e.Name(), ".parquet") {
					all = append(all, readParquet(t, filepath.Join(dir, table.name, e.Name()), table)...)
				}
			}
			return all
		},
	}
}

// readParquet returns the rows of a file, which are as many as the file says.
func readParquet(t *testing.T, path string, table table) (all []map[string]string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := parquet.NewReader(file)
	defer r.Close()
	names := r.Schema().Columns()
	for buffer := make([]parquet.Row, 10); ; {
		n, err := r.ReadRows(buffer)
		for _, values := range buffer[:n] {
			row := map[string]string{}
			for _, v := range values {
				name := names[v.Column()][0]
				place := slices.IndexFunc(table.columns, func(c column) bool { return c.name == name })
				switch {
				case v.IsNull():
				case table.columns[place].kind == instant:
					row[name] = time.UnixMicro(v.Int64()).UTC().Format("2006-01-02 15:04:05.000000")
				default:
					row[name] = v.String()
				}
			}
			all = append(all, row)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if int64(len(all)) != r.NumRows() {
		t.Fatalf("%s: %d rows were read of %d", path, len(all), r.NumRows())
	}
	return all
}

func TestParquetRefused(t *testing.T) {
	f := newFixture(t, newParquet(t))
	f.Generate(adatest.Generated{Seed: 7, Conversations: 150, Since: f.since, Until: f.since.Add(time.Hour)})
	f.runs()
	last := filepath.Join(f.options.parquet, "conversations", "00000002.parquet")
	content, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	refuses := func(content []byte, want string) {
		t.Helper()
		if err := os.WriteFile(last, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run(t.Context(), f.options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	refuses(content[:len(content)-1], "00000002.parquet: ")
	refuses([]byte(strings.Replace(string(content), checkpointKey, strings.ToUpper(checkpointKey), 1)), "has no checkpoint")
	refuses([]byte(strings.Replace(string(content), `"since":"2`, `"since":"1`, 1)), dataexport.ErrCheckpoint.Error())
}
