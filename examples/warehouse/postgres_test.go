//go:build unix

package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
)

func TestPostgres(t *testing.T) {
	base := newPostgres(t)
	databases := 0
	newPlace := func(t *testing.T) place {
		databases++
		name := fmt.Sprint("test", databases)
		conn, err := pgx.Connect(t.Context(), base+"postgres")
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.Exec(t.Context(), "CREATE DATABASE "+name)
		if err := errors.Join(err, conn.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
		return place{
			env: []string{"DATABASE_URL=" + base + name}, options: options{databaseURL: base + name},
			read: func(t *testing.T, table table) []map[string]string {
				t.Helper()
				w, err := openPostgres(t.Context(), base+name)
				if err != nil {
					t.Fatal(err)
				}
				defer w.close()
				db, err := sql.Open("pgx", base+name)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				return readSQL(t, db, table)
			},
		}
	}
	suite(t, newPlace)
	t.Run("one at a time", func(t *testing.T) {
		p := newPlace(t)
		first, err := openPostgres(t.Context(), p.options.databaseURL)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if _, err := openPostgres(ctx, p.options.databaseURL); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("beside another: %v", err)
		}
		if err := first.close(); err != nil {
			t.Fatal(err)
		}
		p.read(t, messages.table)
	})
}

// newPostgres starts a server and returns the beginning of its databases' URLs.
func newPostgres(t *testing.T) string {
	t.Helper()
	bin := ""
	if path, err := exec.LookPath("initdb"); err == nil {
		bin = filepath.Dir(path)
	} else if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) > 0 { // where Debian has it
		bin = filepath.Dir(slices.Max(found))
	} else {
		t.Skip("no initdb of Postgres: apt-get install postgresql")
	}
	dir, err := os.MkdirTemp("", "pg") // not of the test, whose directory is for its own user, and not too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	credential := servant(t, dir)
	command := func(name string, args ...string) (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.Dir, cmd.SysProcAttr, cmd.WaitDelay = dir, &syscall.SysProcAttr{Credential: credential}, time.Second
		out := new(bytes.Buffer)
		cmd.Stdout, cmd.Stderr = out, out
		return cmd, out
	}
	data := filepath.Join(dir, "data")
	initdb, out := command("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if err := initdb.Run(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	for range 3 { // another process can take the port first
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		listener.Close()
		server, out := command("postgres", "-D", data, "-h", "127.0.0.1", "-p", port, "-k", dir, "-F")
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		exited := make(chan struct{})
		go func() { _ = server.Wait(); close(exited) }()
		t.Cleanup(func() { _ = server.Process.Signal(syscall.SIGQUIT); <-exited })
		base := "postgres://postgres@127.0.0.1:" + port + "/"
		if answers(t.Context(), base+"postgres", exited) {
			return base
		}
		_ = server.Process.Signal(syscall.SIGQUIT)
		<-exited
		t.Logf("postgres: %s", out)
	}
	t.Fatal("postgres does not start")
	return ""
}

// answers waits until a server does, or has exited.
func answers(ctx context.Context, url string, exited <-chan struct{}) bool {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if conn, err := pgx.Connect(ctx, url); err == nil {
			return conn.Close(ctx) == nil
		}
		select {
		case <-exited:
			return false
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// servant gives the directory to the user that the server is to run as, and returns it; nil: the one of the test.
// Postgres refuses to run as root.
func servant(t *testing.T, dir string) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
