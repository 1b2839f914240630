package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/adasdk/ada-go/dataexport"
	_ "modernc.org/sqlite" // the driver
)

// sqlite is a SQLite file.
type sqlite struct {
	db *sql.DB
}

var sqliteTypes = map[kind]string{
	text: "TEXT", instant: "TEXT", boolean: "BOOLEAN", integer: "INTEGER", number: "REAL", document: "TEXT",
}

func openSQLite(ctx context.Context, path string) (*sqlite, error) {
	// For its owner only, as SQLite would not make it.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- its user says which
	if err != nil {
		return nil, err
	}
	_ = file.Close()
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(path)+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{
		createCheckpoints, conversations.create(sqliteTypes), messages.create(sqliteTypes),
		"CREATE INDEX IF NOT EXISTS messages_conversation ON messages (conversation_id)",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return &sqlite{db}, nil
}

func (s *sqlite) checkpoint(ctx context.Context, t table) (c dataexport.Checkpoint, err error) {
	err = s.db.QueryRowContext(ctx, selectCheckpoint, t.name).Scan(&c)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return c, err
}

func (s *sqlite) store(ctx context.Context, t table, rows iter.Seq2[[]any, error], next dataexport.Checkpoint) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	upsert, err := tx.PrepareContext(ctx, t.upsert("VALUES ("+strings.Repeat("?, ", len(t.columns)-1)+"?)"))
	if err != nil {
		return err
	}
	defer upsert.Close()
	for row, err := range rows {
		if err != nil {
			return err
		}
		for i, v := range row {
			switch v := v.(type) {
			case time.Time:
				row[i] = v.UTC().Format("2006-01-02 15:04:05.000000") // which sorts, and SQLite's functions know it
			case json.RawMessage:
				row[i] = string(v)
			}
		}
		if _, err := upsert.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, upsertCheckpoint, t.name, string(next)); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *sqlite) close() error { return s.db.Close() }
