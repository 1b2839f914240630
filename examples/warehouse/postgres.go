package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"

	"github.com/adasdk/ada-go/dataexport"
	"github.com/jackc/pgx/v5"
)

// postgres is a database of Postgres.
type postgres struct {
	conn *pgx.Conn
}

// The records are json and not jsonb, which does not take every string that JSON has.
var postgresTypes = map[kind]string{
	text: "TEXT", instant: "TIMESTAMPTZ", boolean: "BOOLEAN", integer: "BIGINT", number: "DOUBLE PRECISION", document: "JSON",
}

func openPostgres(ctx context.Context, databaseURL string) (*postgres, error) {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{
		// Held until the connection ends. Postgres can notice late that the process before this one was killed.
		"SELECT pg_advisory_lock(hashtext('ada warehouse'))",
		createCheckpoints, conversations.create(postgresTypes), messages.create(postgresTypes),
		"CREATE INDEX IF NOT EXISTS messages_conversation ON messages (conversation_id)",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return nil, errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
		}
	}
	return &postgres{conn}, nil
}

func (p *postgres) checkpoint(ctx context.Context, t table) (c dataexport.Checkpoint, err error) {
	err = p.conn.QueryRow(ctx, selectCheckpoint, t.name).Scan(&c)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return c, err
}

func (p *postgres) store(ctx context.Context, t table, rows iter.Seq2[[]any, error], next dataexport.Checkpoint) error {
	return pgx.BeginFunc(ctx, p.conn, func(tx pgx.Tx) error {
		// COPY is several times as fast as INSERT, but knows no conflicts. So it goes into a table of its own.
		_, err := tx.Exec(ctx, "CREATE TEMPORARY TABLE page (LIKE "+t.name+", place BIGINT GENERATED ALWAYS AS IDENTITY) ON COMMIT DROP")
		if err != nil {
			return err
		}
		pull, stop := iter.Pull2(rows)
		defer stop()
		var broken error // which CopyFrom would not wrap
		_, err = tx.CopyFrom(ctx, pgx.Identifier{"page"}, t.names(), pgx.CopyFromFunc(func() ([]any, error) {
			var row []any
			row, broken, _ = pull()
			for i, v := range row {
				switch v := v.(type) {
				case string:
					row[i] = clean(v)
				case json.RawMessage:
					row[i] = clean(string(v))
				}
			}
			return row, broken // no row ends it
		}))
		if err := cmp.Or(broken, err); err != nil {
			return err
		}
		// ON CONFLICT takes an id once.
		latest := "SELECT DISTINCT ON (id) " + strings.Join(t.names(), ", ") + " FROM page ORDER BY id, place DESC"
		if _, err := tx.Exec(ctx, t.upsert(latest)); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, upsertCheckpoint, t.name, string(next))
		return err
	})
}

// clean leaves out what Postgres takes in no text: one record with it would stop the load for ever.
func clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

func (p *postgres) close() error { return p.conn.Close(context.Background()) }
