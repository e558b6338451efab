package watch_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/watch"
)

// event returns the line of an event, without its end.
func event(id string) []byte {
	return fmt.Appendf(nil, `{"schema":"hvmigerr/v1","id":%q,"job":{"text":"a \"b\" {c} ","list":[1,2,{"id":"no"}]},"evidence":null}`, id)
}

func openJournal(t *testing.T, name string) *watch.Journal {
	t.Helper()
	j, err := watch.OpenJournal(name)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func closeJournal(t *testing.T, j *watch.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// appendEvents appends events, which must succeed.
func appendEvents(t *testing.T, j *watch.Journal, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := j.Append(id, event(id)); err != nil {
			t.Fatalf("Append(%q) = %v", id, err)
		}
	}
}

// content returns what is in a file.
func content(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lines returns the text of events as a journal has them.
func lines(ids ...string) string {
	var b strings.Builder
	for _, id := range ids {
		b.Write(event(id))
		b.WriteByte('\n')
	}
	return b.String()
}

func TestJournal(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "watch.jsonl")
	j := openJournal(t, name)
	appendEvents(t, j, "a", "b", "a")
	if err := j.Append("c", append(event("c"), '\n')); err != nil {
		t.Errorf("Append of a line with its end = %v", err)
	}
	if !j.Recorded("b") || j.Recorded("x") || j.Unwritten() != 0 || j.Torn() != 0 || j.Damaged() != 0 {
		t.Errorf("Recorded, Unwritten, Torn, Damaged = %v %v %d %d %d", j.Recorded("b"), j.Recorded("x"), j.Unwritten(), j.Torn(), j.Damaged())
	}
	closeJournal(t, j)
	closeJournal(t, j) // a second time does nothing
	if err := j.Append("d", event("d")); err == nil {
		t.Error("Append after Close succeeded")
	}

	j = openJournal(t, name)
	appendEvents(t, j, "b", "e")
	closeJournal(t, j)
	if got, want := content(t, name), lines("a", "b", "c", "e"); got != want {
		t.Errorf("the journal is\n%swant\n%s", got, want)
	}
	if got := content(t, name+".lock"); got != "" {
		t.Errorf("the lock file holds %q", got)
	}
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "watch.jsonl")
	j := openJournal(t, name)
	for _, line := range []string{
		``, `{`, `[]`, `null`, `{}`, `{"id":"y"}`, `{"id":1}`, `{"id":""}`, `{"ID":"x"}`, `{"a":{"id":"x"}}`, "{\n\"id\":\"x\"}",
		`{"id":"x"}{}`, `{"id":"x",}`,
	} {
		if err := j.Append("x", []byte(line)); err == nil {
			t.Errorf("Append(%q) succeeded", line)
		}
	}
	if j.Recorded("x") || j.Unwritten() != 0 {
		t.Error("a refused line is kept")
	}
	closeJournal(t, j)
	if got := content(t, name); got != "" {
		t.Errorf("the journal holds %q", got)
	}
}

// TestTornTail opens a journal of three lines that was cut at each byte, and one whose end the crash left as zero bytes.
func TestTornTail(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "watch.jsonl")
	short := []string{`{"id":"a"}`, `{"x":"\"}{","id":"b"}`, `{"id":"c","x":[{"id":2}]}`}
	text := func(n int) string { return strings.Join(append(slices.Clone(short[:n]), ""), "\n") }
	whole := text(len(short))
	for cut := range len(whole) + 1 {
		for _, zeros := range []int{0, 4096} {
			if err := os.WriteFile(name, append([]byte(whole[:cut]), make([]byte, zeros)...), 0o600); err != nil {
				t.Fatal(err)
			}
			n := strings.Count(whole[:cut], "\n")
			torn := cut - strings.LastIndexByte(whole[:cut], '\n') - 1 + zeros
			if zeros == 0 && cut < len(whole) && whole[cut] == '\n' {
				n, torn = n+1, 0 // all but the line end: nothing is missing
			}
			j := openJournal(t, name)
			if got := j.Torn(); got != int64(torn) || j.Damaged() != 0 {
				t.Errorf("cut at %d, %d zeros: Torn, Damaged = %d, %d, want %d, 0", cut, zeros, got, j.Damaged(), torn)
			}
			if got := content(t, name); got != text(n) {
				t.Errorf("cut at %d, %d zeros: mended to %q", cut, zeros, got)
			}
			for i, id := range []string{"a", "b", "c"} {
				if got := j.Recorded(id); got != (i < n) {
					t.Errorf("cut at %d, %d zeros: Recorded(%q) = %v", cut, zeros, id, got)
				}
				if err := j.Append(id, []byte(short[i])); err != nil {
					t.Errorf("cut at %d, %d zeros: Append(%q) = %v", cut, zeros, id, err)
				}
			}
			closeJournal(t, j)
			if got := content(t, name); got != whole {
				t.Errorf("cut at %d, %d zeros: %q at the end", cut, zeros, got)
			}
		}
	}
}

func TestDamagedLines(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "watch.jsonl")
	text := lines("a") + "\n \r\n" + // blank lines are nothing
		"garbage\n" + `{"id":"torn` + "\n" + "\x00\x00\x00\n" + `{"no":"id"}` + "\n" + `{"id":7}` + "\n" + "\xff\xfe\n" + lines("b")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	j := openJournal(t, name)
	if got := j.Damaged(); got != 6 {
		t.Errorf("Damaged() = %d, want 6", got)
	}
	if !j.Recorded("a") || !j.Recorded("b") || j.Recorded("torn") {
		t.Error("the lines around are not known, or a damaged one is")
	}
	appendEvents(t, j, "torn")
	closeJournal(t, j)
	if got := content(t, name); got != text+lines("torn") {
		t.Errorf("the journal is\n%q", got)
	}
	var numbers []int
	var ids []string
	for line, err := range watch.ReadJournal(strings.NewReader(text)) {
		if e, ok := errors.AsType[*watch.LineError](err); ok {
			numbers = append(numbers, e.Line)
			continue
		}
		ids = append(ids, string(line))
	}
	if diff := cmp.Diff([]int{4, 5, 6, 7, 8, 9}, numbers); diff != "" {
		t.Errorf("damaged lines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{string(event("a")), string(event("b"))}, ids); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestReadJournal(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, tc := range []struct {
		name, text string
		whole      int
	}{
		{"nothing", "", 0},
		{"torn", lines("a", "b") + `{"id":"c`, 2},
		{"no line end", strings.TrimSuffix(lines("a", "b"), "\n"), 2},
		{"blank", "\n\n", 0},
	} {
		n := 0
		for _, err := range watch.ReadJournal(iotest.OneByteReader(strings.NewReader(tc.text))) {
			if err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
			n++
		}
		if n != tc.whole {
			t.Errorf("%s: %d lines, want %d", tc.name, n, tc.whole)
		}
		for _, err := range watch.ReadJournal(strings.NewReader(tc.text)) {
			if err != nil {
				t.Error(err)
			}
			break // must not go on
		}
	}
	var errs []error
	for _, err := range watch.ReadJournal(iotest.ErrReader(broken)) {
		errs = append(errs, err)
	}
	if len(errs) != 1 || !errors.Is(errs[0], broken) {
		t.Errorf("of a broken file: %v", errs)
	}
}

// TestHugeLine: what is longer than 64 MiB is neither taken nor held, and the lines around it are.
func TestHugeLine(t *testing.T) {
	t.Parallel()
	const most = 64 << 20
	name := filepath.Join(t.TempDir(), "watch.jsonl")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	_, errA := f.WriteString(lines("a"))
	_, errB := f.WriteAt([]byte("\n"+lines("b")), int64(len(lines("a"))+most+1)) // a hole of zeros takes no room
	if err := errors.Join(errA, errB, f.Close()); err != nil {
		t.Fatal(err)
	}
	j := openJournal(t, name)
	defer closeJournal(t, j)
	if !j.Recorded("a") || !j.Recorded("b") || j.Damaged() != 1 || j.Torn() != 0 {
		t.Errorf("Recorded = %v %v, Damaged = %d, Torn = %d", j.Recorded("a"), j.Recorded("b"), j.Damaged(), j.Torn())
	}
	if err := j.Append("huge", make([]byte, most+1)); err == nil || !strings.HasSuffix(err.Error(), "longer than 64 MiB") {
		t.Errorf("Append = %v", err)
	}
}

func TestJournalInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "watch.jsonl")
	j := openJournal(t, name)
	other := filepath.Join(dir, "other.jsonl")
	if err := os.Symlink("watch.jsonl", other); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{name, other, filepath.Join(dir, ".", "watch.jsonl")} {
		if _, err := watch.OpenJournal(n); !errors.Is(err, watch.ErrJournalInUse) {
			t.Errorf("OpenJournal(%q) of an open journal = %v", n, err)
		}
	}
	closeJournal(t, j)
	closeJournal(t, openJournal(t, other))
	if _, err := os.Stat(other + ".lock"); err == nil {
		t.Error("a symbolic link has a lock of its own")
	}
}

// TestOpenJournalElsewhere: what is no file is refused, and a link to one that is not there creates that one.
func TestOpenJournalElsewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "real"), 0o700); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"dangling": "real/new.jsonl", "loop": "loop", "nowhere": "none/new.jsonl"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"real", "loop", "nowhere", "none/new.jsonl"} {
		j, err := watch.OpenJournal(filepath.Join(dir, name))
		if err == nil {
			closeJournal(t, j)
			t.Errorf("OpenJournal(%q) succeeded", name)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "real.lock")); err == nil {
		t.Error("a directory that is no journal has a lock")
	}
	closeJournal(t, openJournal(t, filepath.Join(dir, "dangling")))
	if got := content(t, filepath.Join(dir, "real", "new.jsonl")); got != "" {
		t.Errorf("the new journal holds %q", got)
	}
}

// TestManyAppend: whatever goroutines append at once is there once.
func TestManyAppend(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "watch.jsonl")
	j := openJournal(t, name)
	const ids, each = 50, 4
	var wg sync.WaitGroup
	for n := range ids * each {
		wg.Go(func() {
			id := fmt.Sprint(n % ids)
			if err := j.Append(id, event(id)); err != nil {
				t.Errorf("Append(%q) = %v", id, err)
			}
			if !j.Recorded(id) {
				t.Errorf("Recorded(%q) = false after Append", id)
			}
		})
	}
	wg.Wait()
	closeJournal(t, j)
	seen := map[string]int{}
	for line, err := range watch.ReadJournal(strings.NewReader(content(t, name))) {
		if err != nil {
			t.Fatal(err)
		}
		seen[string(line)]++
	}
	for n := range ids {
		if got := seen[string(event(fmt.Sprint(n)))]; got != 1 {
			t.Errorf("event %d stands there %d times", n, got)
		}
	}
}

// TestKilled kills a process in the middle of its appends, again and again: what it has acknowledged is there, once, and its lock is gone.
func TestKilled(t *testing.T) {
	const variable = "HVMIGERR_TEST_JOURNAL"
	if name := os.Getenv(variable); name != "" {
		appendForEver(t, name)
		return
	}
	t.Parallel()
	name := filepath.Join(t.TempDir(), "watch.jsonl")
	acknowledged := map[string]bool{}
	for round := range 8 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), variable+"="+name)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killed := false
		for s := bufio.NewScanner(out); s.Scan(); {
			acknowledged[s.Text()] = true
			if len(acknowledged) >= 20*(round+1) && !killed {
				killed = true
				if _, err := watch.OpenJournal(name); !errors.Is(err, watch.ErrJournalInUse) {
					t.Errorf("OpenJournal beside another process = %v", err)
				}
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
	}
	if len(acknowledged) < 160 {
		t.Fatalf("only %d events were acknowledged", len(acknowledged))
	}
	j := openJournal(t, name)
	defer closeJournal(t, j)
	count := map[string]int{}
	for line, err := range watch.ReadJournal(strings.NewReader(content(t, name))) {
		if err != nil {
			t.Error(err)
		}
		count[string(line)]++
	}
	for id := range acknowledged {
		if n := count[string(event(id))]; n != 1 || !j.Recorded(id) {
			t.Errorf("event %s stands there %d times", id, n)
		}
	}
}

// appendForEver is the process that is killed: several goroutines append, and tell on stdout what was acknowledged.
func appendForEver(t *testing.T, name string) {
	t.Helper()
	j := openJournal(t, name)
	next := 0
	for j.Recorded(fmt.Sprint(next)) {
		next++
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for n := next + g; ; n += 4 {
				id := fmt.Sprint(n)
				if err := j.Append(id, event(id)); err != nil {
					t.Errorf("Append(%q) = %v", id, err)
					return
				}
				if _, err := os.Stdout.WriteString(id + "\n"); err != nil {
					return // the parent has gone
				}
			}
		})
	}
	wg.Wait()
}
