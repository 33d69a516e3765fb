package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Pooler is a PgBouncer before a server.
type Pooler struct {
	dir  string
	cmd  *exec.Cmd
	done chan struct{}
}

// poolerPort names the socket of a pooler.
const poolerPort = "6432"

// StartPooler starts PgBouncer before a server, with the section [pgbouncer] of a configuration file: what it says of
// addresses and of who may come is replaced by a socket in the server's directory.
func StartPooler(ctx context.Context, s *Server, configuration string) (*Pooler, error) {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if _, statErr := os.Stat("/usr/sbin/pgbouncer"); statErr != nil {
			return nil, errors.New("no PgBouncer on this machine: `apt-get install pgbouncer`")
		}
		program = "/usr/sbin/pgbouncer"
	}
	content, err := os.ReadFile(configuration)
	if err != nil {
		return nil, fmt.Errorf("read the pooler's configuration: %w", err)
	}
	dir, err := os.MkdirTemp(s.dir, "pool-")
	if err != nil {
		return nil, fmt.Errorf("make directory for PgBouncer: %w", err)
	}
	ini := filepath.Join(dir, "pgbouncer.ini")
	text := "[databases]\n* = user=postgres host=" + s.dir + "\n" + poolerSettings(string(content)) +
		"auth_type = any\nlisten_port = " + poolerPort + "\nunix_socket_dir = " + dir + "\nlogfile = " + filepath.Join(dir, "log") + "\n"
	if err := os.WriteFile(ini, []byte(text), 0o644); err != nil {
		return nil, fmt.Errorf("write the pooler's configuration: %w", err)
	}
	attr, err := s.dropRoot()
	if err != nil {
		return nil, err
	}
	if attr.Credential != nil {
		if err := os.Chown(dir, int(attr.Credential.Uid), int(attr.Credential.Gid)); err != nil {
			return nil, fmt.Errorf("hand directory to PgBouncer: %w", err)
		}
	}
	p := &Pooler{dir: dir, cmd: exec.Command(program, "-q", ini), done: make(chan struct{})}
	p.cmd.SysProcAttr, p.cmd.Dir = attr, dir
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the death signal follows the thread that forked, so the thread must stay
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start PgBouncer: %w", err)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if conn, err := pgx.Connect(ctx, p.URL("postgres")); err == nil {
			return p, conn.Close(ctx)
		}
	}
	p.Stop()
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	return nil, fmt.Errorf("PgBouncer did not get ready: %s", log)
}

// poolerSettings is the section [pgbouncer] without addresses and authentication.
func poolerSettings(content string) string {
	_, section, _ := strings.Cut(content, "[pgbouncer]")
	var kept strings.Builder
	kept.WriteString("[pgbouncer]\n")
	for line := range strings.Lines(section) {
		if name := strings.TrimSpace(line); !strings.HasPrefix(name, "listen_") && !strings.HasPrefix(name, "auth_") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// URL is the connection URL of a database through the pooler, with the mode of queries that docs/scale.md tells.
func (p *Pooler) URL(database string) string {
	return "postgres:///" + database + "?user=postgres&host=" + p.dir + "&port=" + poolerPort + "&default_query_exec_mode=cache_describe"
}

// Stop ends the pooler.
func (p *Pooler) Stop() {
	_ = p.cmd.Process.Kill()
	<-p.done
}
