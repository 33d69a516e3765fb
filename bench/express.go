package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// startExpress installs the baseline for Node as its lock file says and starts it. The error says why there is none.
func startExpress(ctx context.Context, dir, platform string) (p *process, address string, err error) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, "", fmt.Errorf("this machine has no %s", program)
		}
	}
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, "", fmt.Errorf("find the module: %w", err)
	}
	source, target := filepath.Join(strings.TrimSpace(string(root)), "bench", "express"), filepath.Join(dir, "express")
	if err := os.CopyFS(target, os.DirFS(source)); err != nil {
		return nil, "", fmt.Errorf("copy %s: %w", source, err)
	}
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	install.Dir = target
	if said, err := install.CombinedOutput(); err != nil {
		return nil, "", errors.Join(fmt.Errorf("npm ci: %w", err), errors.New(string(said)))
	}
	p, err = launch(dir, "express.process", true, []string{"NODE_ENV=production", "REST=" + platform}, "node", filepath.Join(target, "server.mjs"))
	if err != nil {
		return nil, "", err
	}
	said, err := p.line()
	if err != nil {
		p.stop()
		return nil, "", err
	}
	return p, strings.TrimPrefix(said, "http://"), nil
}
