package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/adasdk/ada-go/dataexport"
	"github.com/parquet-go/parquet-go"
)

// parquetFiles is a directory with a directory for each table, and in it a file for each page, in their order. Each file
// has the checkpoint after its page in its metadata: so both come into being at once, when the file gets its name. The
// last file has to stay there.
type parquetFiles struct {
	dir string
}

const (
	fileName      = "%08d.parquet"
	checkpointKey = "ada.checkpoint"
)

func openParquet(dir string) (*parquetFiles, error) {
	for _, t := range []table{conversations.table, messages.table} {
		if err := os.MkdirAll(filepath.Join(dir, t.name), 0o700); err != nil {
			return nil, err
		}
	}
	return &parquetFiles{dir}, nil
}

// last returns the file of the last page, and its number; 0: there is none.
func (p *parquetFiles) last(t table) (path string, number int, err error) {
	entries, err := os.ReadDir(filepath.Join(p.dir, t.name)) // in the order of their names
	for _, e := range entries {
		if _, err := fmt.Sscanf(e.Name(), fileName, &number); err == nil {
			path = filepath.Join(p.dir, t.name, e.Name())
		}
	}
	return path, number, err
}

func (p *parquetFiles) checkpoint(_ context.Context, t table) (dataexport.Checkpoint, error) {
	path, number, err := p.last(t)
	if err != nil || number == 0 {
		return "", err
	}
	file, err := os.Open(path) // #nosec G304 -- its user says which directory
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	content, err := parquet.OpenFile(file, info.Size())
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	c, ok := content.Lookup(checkpointKey)
	if !ok {
		return "", fmt.Errorf("%s has no checkpoint", path)
	}
	return dataexport.Checkpoint(c), nil
}

func (p *parquetFiles) store(_ context.Context, t table, rows iter.Seq2[[]any, error], next dataexport.Checkpoint) error {
	_, number, err := p.last(t)
	if err != nil {
		return err
	}
	dir := filepath.Join(p.dir, t.name)
	file, err := os.OpenFile(filepath.Join(dir, "next.tmp"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // #nosec G304 -- its user says which directory
	if err != nil {
		return err
	}
	empty, err := write(file, t, rows, next)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil || empty {
		// The part without records is asked for again next time, which is better than a file for it.
		return errors.Join(err, os.Remove(file.Name()))
	}
	if err := os.Rename(file.Name(), filepath.Join(dir, fmt.Sprintf(fileName, number+1))); err != nil {
		return err
	}
	// The name is to be stored before that of the next file is. Where a directory cannot be synced, it need not be.
	if d, err := os.Open(dir); err == nil { // #nosec G304 -- its user says which directory
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}

// write writes a whole Parquet file.
func write(file *os.File, t table, rows iter.Seq2[[]any, error], next dataexport.Checkpoint) (empty bool, err error) {
	group := parquet.Group{}
	for i, c := range t.columns {
		group[c.name] = parquetTypes[c.kind]
		if i > 0 {
			group[c.name] = parquet.Optional(group[c.name])
		}
	}
	schema := parquet.NewSchema(t.name, group) // has the columns in the order of their names
	w := parquet.NewGenericWriter[any](file, schema, parquet.Compression(&parquet.Zstd), parquet.KeyValueMetadata(checkpointKey, string(next)))
	empty = true
	for row, err := range rows {
		if err != nil {
			return false, err
		}
		values := make(parquet.Row, len(row))
		for i, v := range row {
			leaf, _ := schema.Lookup(t.columns[i].name)
			defined := 0 // whether an optional value is there
			if i > 0 && v != nil {
				defined = 1
			}
			values[leaf.ColumnIndex] = parquetValue(v).Level(0, defined, leaf.ColumnIndex)
		}
		if _, err := w.WriteRows([]parquet.Row{values}); err != nil {
			return false, err
		}
		empty = false
	}
	return empty, w.Close()
}

var parquetTypes = map[kind]parquet.Node{
	text: parquet.String(), instant: parquet.Timestamp(parquet.Microsecond), boolean: parquet.Leaf(parquet.BooleanType),
	integer: parquet.Int(64), number: parquet.Leaf(parquet.DoubleType), document: parquet.JSON(),
}

func parquetValue(v any) parquet.Value {
	switch v := v.(type) {
	case time.Time:
		return parquet.Int64Value(v.UnixMicro())
	case json.RawMessage:
		return parquet.ByteArrayValue(v)
	}
	return parquet.ValueOf(v)
}

func (p *parquetFiles) close() error { return nil }
