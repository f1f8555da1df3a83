package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed c
var sources embed.FS

// programs lists the source files of each C program.
var programs = map[string][]string{
	"floor":  {"floor.c", "setup.c"},
	"client": {"client.c", "group.c", "stream.c", "setup.c"},
}

// compile builds the C programs in dir.
func compile(ctx context.Context, dir string) error {
	if err := os.CopyFS(dir, sources); err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	for name, files := range programs {
		cmd := exec.CommandContext(ctx, "gcc", append([]string{"-O2", "-Wall", "-Wextra", "-o", filepath.Join(dir, name)}, files...)...)
		cmd.Dir = filepath.Join(dir, "c")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("compile %s: %w\n%s", name, err, out)
		}
	}
	return nil
}
