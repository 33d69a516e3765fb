// Package localpg starts a private Postgres from the machine's own installation, for the demo and the tests: in a
// temporary directory, reachable through a socket in it alone, gone at Stop. It is not part of the product.
package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a running private Postgres.
type Server struct {
	dir  string
	bin  string
	attr *syscall.SysProcAttr
	proc *os.Process
	done chan struct{}
}

// Start makes and starts a cluster. As root it runs as the user postgres, or nobody, because Postgres refuses root.
// It is fast and careless: nothing is synced to disk.
func Start(ctx context.Context) (*Server, error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "itemlens-pg-") // short: a socket's path has room for 107 bytes
	if err != nil {
		return nil, fmt.Errorf("make directory for Postgres: %w", err)
	}
	s := &Server{dir: dir, bin: bin}
	return s.start(ctx, s.initdb)
}

// start fills a server's new directory and starts the server on it.
func (s *Server) start(ctx context.Context, fill func(context.Context) error) (_ *Server, err error) {
	if s.attr, err = s.dropRoot(); err == nil {
		err = fill(ctx)
	}
	if err == nil {
		err = s.Resume(ctx)
	}
	if err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Standby makes a copy of a server that follows it by streaming replication, and starts it. `SELECT pg_promote()` makes it a
// server of its own.
func Standby(ctx context.Context, primary *Server) (*Server, error) {
	dir, err := os.MkdirTemp("", "itemlens-pg-")
	if err != nil {
		return nil, fmt.Errorf("make directory for Postgres: %w", err)
	}
	s := &Server{dir: dir, bin: primary.bin}
	return s.start(ctx, func(ctx context.Context) error {
		return s.run(ctx, "pg_basebackup", "--pgdata", s.data(), "--host", primary.dir, "--username", "postgres", "--wal-method", "stream",
			"--write-recovery-conf", "--checkpoint", "fast", "--no-sync")
	})
}

// Dump writes a database to a file in the server's directory, as `pg_dump --format custom` does, and returns its path.
func (s *Server) Dump(ctx context.Context, database string) (file string, err error) {
	file = filepath.Join(s.dir, database+".dump")
	return file, s.run(ctx, "pg_dump", "--host", s.dir, "--username", "postgres", "--format", "custom", "--file", file, database)
}

// Restore replaces what a database holds by what a dump holds, in one transaction.
func (s *Server) Restore(ctx context.Context, database, file string) error {
	return s.run(ctx, "pg_restore", "--host", s.dir, "--username", "postgres", "--dbname", database, "--clean", "--if-exists", "--single-transaction", file)
}

// At is a server that somebody else started in a directory, and stops.
func At(dir string) *Server { return &Server{dir: dir} }

// Dir is the directory of the server, in which its socket is.
func (s *Server) Dir() string { return s.dir }

// URL is the connection URL of a database of the cluster.
func (s *Server) URL(database string) string {
	return "postgres:///" + database + "?user=postgres&host=" + s.dir
}

// Stop ends the server and removes everything.
func (s *Server) Stop() {
	s.Pause()
	_ = os.RemoveAll(s.dir)
}

// Kill ends the server as a power cut would.
func (s *Server) Kill() {
	_ = s.proc.Kill()
	<-s.done
	s.proc = nil
}

// Pause ends the server at once, as a crash does, and keeps its data for Resume.
func (s *Server) Pause() {
	if s.proc == nil {
		return
	}
	_ = s.proc.Signal(syscall.SIGQUIT)
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		_ = s.proc.Kill()
	}
	s.proc = nil
}

func findBinaries() (string, error) {
	// Debian keeps each version's programs together and off the PATH.
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) > 0 {
		return filepath.Dir(slices.Max(found)), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("no Postgres server on this machine: `apt-get install postgresql` (or `make deps`)")
	}
	return filepath.Dir(path), nil
}

func (s *Server) dropRoot() (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() != 0 {
		return attr, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("find an unprivileged user for Postgres: %w", err)
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chown(s.dir, uid, gid); err != nil {
		return nil, fmt.Errorf("hand directory to %s: %w", account.Username, err)
	}
	return attr, nil
}

func (s *Server) initdb(ctx context.Context) error {
	return s.run(ctx, "initdb", "--pgdata", s.data(), "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
}

// run runs one of Postgres' own programs to its end.
func (s *Server) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...)
	cmd.SysProcAttr, cmd.Dir = &syscall.SysProcAttr{Credential: s.attr.Credential}, s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, out)
	}
	return nil
}

// Resume starts the server on its data and waits until it is ready.
func (s *Server) Resume(ctx context.Context) error {
	s.done = make(chan struct{})
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.data(), "-k", s.dir, "-c", "listen_addresses=",
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=300",
		"-c", "shared_buffers=64MB", "-c", "log_min_messages=fatal")
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return fmt.Errorf("make log of Postgres: %w", err)
	}
	defer log.Close()
	cmd.SysProcAttr, cmd.Dir, cmd.Stdout, cmd.Stderr = s.attr, s.dir, log, log
	started, done := make(chan error, 1), s.done
	go func() {
		runtime.LockOSThread() // the death signal follows the thread that forked, so the thread must stay
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(done)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start Postgres: %w", err)
	}
	s.proc = cmd.Process
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if conn, err := pgx.Connect(ctx, s.URL("postgres")); err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.done:
			said, _ := os.ReadFile(log.Name())
			return fmt.Errorf("private Postgres ended at once: %s", said)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return errors.New("private Postgres did not get ready in 30 s")
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }
