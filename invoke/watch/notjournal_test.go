package watch_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// TestNotJournal: a file that no watch has written is not touched, be its name given by mistake. A secret has no line end, often.
func TestNotJournal(t *testing.T) {
	for name, text := range map[string]string{
		"a password": "hunter2-secret", "a password with a line end": "hunter2-secret\n", "YAML": "all:\n  hosts:\n    hv01: {}",
		"JSON in one line": `{"vms":[]}`, "JSON": "{\n  \"vms\": []\n}\n", "a list": "[1, 2]", "blank, then text": "\n\nx",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := watch.OpenJournal(file)
			if !errors.Is(err, watch.ErrNotJournal) {
				t.Errorf("OpenJournal: %v, %v, want ErrNotJournal", j, err)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != text {
				t.Errorf("the file holds %q, %v, want %q", got, err, text)
			}
		})
	}
}
