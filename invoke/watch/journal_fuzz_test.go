package watch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// FuzzJournal opens any file as a journal. What was a whole event stays one, what was torn goes, and a second time there is nothing to
// mend.
func FuzzJournal(f *testing.F) {
	for _, text := range []string{
		"", "\n", lines("a", "b"), lines("a") + `{"id":"b`, lines("a") + "\x00\x00", `{"id":"a"}`, "garbage\n" + lines("a"),
		`{"id":"\u0061\"","x":[{},[],"\\",1e9,null]}` + "\n", "{\"id\" :\t\"a\"}\r\n", `{"a":{"id":"b"},"id":{}}` + "\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(t.TempDir(), "j")
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		whole, damaged := 0, 0
		for line, err := range watch.ReadJournal(bytes.NewReader(text)) {
			if err != nil {
				damaged++
				continue
			}
			whole++
			var event struct{ ID string }
			if err := json.Unmarshal(line, &event); err != nil && event.ID == "" {
				t.Errorf("ReadJournal yields %q: %v", line, err)
			}
		}
		j, err := watch.OpenJournal(name)
		switch {
		case errors.Is(err, watch.ErrNotJournal):
			if damaged == 0 || content(t, name) != string(text) {
				t.Errorf("%q, with %d lines damaged, is no journal, and was changed to %q", text, damaged, content(t, name))
			}
			return
		case err != nil:
			t.Fatal(err)
		}
		if j.Damaged() != damaged {
			t.Errorf("Damaged() = %d, ReadJournal finds %d", j.Damaged(), damaged)
		}
		torn := j.Torn()
		closeJournal(t, j)
		mended := content(t, name)
		if n := len(text) - int(torn); mended != string(text[:n]) && mended != string(text[:n])+"\n" {
			t.Errorf("%q became %q, %d bytes torn", text, mended, torn)
		}
		again := 0
		for _, err := range watch.ReadJournal(bytes.NewReader([]byte(mended))) {
			if err == nil {
				again++
			}
		}
		j = openJournal(t, name)
		defer closeJournal(t, j)
		if j.Torn() != 0 || j.Damaged() != damaged || again != whole || content(t, name) != mended {
			t.Errorf("then %d bytes torn, %d lines damaged, %d whole; was %d, %d", j.Torn(), j.Damaged(), again, damaged, whole)
		}
	})
}
