package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A line is what the checker reads of a line of the journal or of stdout.
type line struct {
	ID    string
	Event string
	URL   string
	Job   *struct {
		InstanceID string
		Errors     []struct{ Message string }
	} `json:"job"`
	Error    any
	Evidence any
}

// final tells the events that a job has once.
func (l *line) final() bool {
	return l.Job != nil && (l.Event == "job.failed" || l.Event == "job.ended")
}

// subject names the end of a job.
func (l *line) subject() string { return subject(l.URL, l.Job.InstanceID) }

func subject(url, id string) string { return url + " " + strings.ToUpper(id) }

// A checker compares what was written with the truth.
type checker struct {
	truth    *truth
	wrong    []string
	jobs     map[string]*job
	journal  map[string]bool   // the IDs in it
	ends     map[string]*line  // of jobs in the journal, by subject
	ids      map[string]string // of the ends of jobs in all that was written, by subject and event
	printed  map[string]int    // how often an ID was printed
	hosts    int               // events of hosts in the journal
	torn     int               // lines at which a killed watcher was interrupted
	unlogged int               // ends that were printed, and not written into the journal
}

func newChecker(t *truth) *checker {
	c := &checker{
		truth: t, jobs: map[string]*job{}, journal: map[string]bool{}, ends: map[string]*line{}, ids: map[string]string{},
		printed: map[string]int{},
	}
	for i := range t.jobs {
		j := &t.jobs[i]
		c.jobs[subject(j.url, j.id)] = j
	}
	return c
}

func (c *checker) fail(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// files reads the journal and all that was printed.
func (c *checker) files(journal string) error {
	open := func(name string, read func(io.Reader) error) error {
		file, err := os.Open(name) //nolint:gosec // a name of ours
		if err != nil {
			return err
		}
		return errors.Join(read(file), file.Close())
	}
	if err := open(journal, c.readJournal); err != nil {
		return err
	}
	for _, r := range c.truth.runs {
		err := open(r.stdout, func(f io.Reader) error { return c.readPrinted(filepath.Base(r.stdout), r.killed, f) })
		if err != nil {
			return err
		}
	}
	return nil
}

// lines calls do for each line with its number. The last one, if it has no line feed, comes without.
func lines(r io.Reader, do func(n int, text []byte)) error {
	b := bufio.NewReader(r)
	for n := 1; ; n++ {
		text, err := b.ReadBytes('\n')
		if len(text) > 0 {
			do(n, text)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// decode reads a line. A line that is torn has no line feed, or is no JSON object with an ID.
func decode(text []byte) (*line, error) {
	l := new(line)
	if !bytes.HasSuffix(text, []byte("\n")) {
		return nil, errors.New("it has no line feed")
	}
	if err := json.Unmarshal(text, l); err != nil {
		return nil, err
	}
	if l.ID == "" || l.Event == "" {
		return nil, errors.New("it has no id or no event")
	}
	return l, nil
}

func (c *checker) readJournal(r io.Reader) error {
	return lines(r, func(n int, text []byte) {
		l, err := decode(text)
		switch {
		case err != nil:
			c.fail("journal, line %d is torn: %v", n, err)
			return
		case c.journal[l.ID]:
			c.fail("journal, line %d: the event %s is there for the second time", n, l.ID)
			return
		case l.Event == "job.progress":
			c.fail("journal, line %d: %s does not belong there", n, l.ID)
		}
		c.journal[l.ID] = true
		if l.Job == nil {
			c.hosts++
		}
		if l.final() {
			c.readEnd(n, l)
		}
	})
}

// readEnd compares the end of a job in the journal with the truth.
func (c *checker) readEnd(n int, l *line) {
	j := c.jobs[l.subject()]
	switch {
	case j == nil:
		c.fail("journal, line %d: no host had the job of %s", n, l.ID)
		return
	case c.ends[l.subject()] != nil:
		c.fail("journal, line %d: the job of %s has ended before, as %s", n, l.ID, c.ends[l.subject()].ID)
	case j.failed != (l.Event == "job.failed"):
		c.fail("journal, line %d: %s, but the job failed: %v", n, l.Event, j.failed)
	}
	c.sameID(l)
	c.ends[l.subject()] = l
}

// sameID looks whether the end of a job has one ID in all that was written.
func (c *checker) sameID(l *line) {
	key := l.Event + " " + l.subject()
	switch known := c.ids[key]; known {
	case "":
		c.ids[key] = l.ID
	case l.ID:
	default:
		c.fail("one event has two IDs: %s and %s", known, l.ID)
	}
}

// readPrinted reads the stdout of one watcher.
func (c *checker) readPrinted(name string, killed bool, r io.Reader) error {
	return lines(r, func(n int, text []byte) {
		l, err := decode(text)
		if err != nil {
			if killed && !bytes.HasSuffix(text, []byte("\n")) {
				c.torn++ // the system breaks off what a killed process writes
				return
			}
			c.fail("%s, line %d is torn: %v", name, n, err)
			return
		}
		c.printed[l.ID]++
		if l.final() {
			c.sameID(l)
		}
	})
}

// problems returns all that is wrong, after everything was read.
func (c *checker) problems() []string {
	telling := false
	for i := range c.truth.jobs {
		j := &c.truth.jobs[i]
		c.checkJob(j)
		telling = telling || j.failed && c.truth.must(j)
	}
	if !telling {
		c.fail("no failed job could be seen for long enough: this run proves nothing; let it take longer")
	}
	for id := range c.journal {
		if c.printed[id] == 0 {
			c.fail("%s is in the journal and was never printed", id)
		}
	}
	for _, id := range c.ids {
		if !c.journal[id] {
			c.unlogged++
		}
	}
	for i, r := range c.truth.runs {
		if want := 128 + int(syscall.SIGTERM); !r.killed && r.code != want {
			c.fail("watcher %d: exit %d, want %d; see %s", i+1, r.code, want, r.stderr)
		}
	}
	return c.wrong
}

// checkJob looks for the end of a job in the journal, and for the reasons why it failed.
func (c *checker) checkJob(j *job) {
	l := c.ends[subject(j.url, j.id)]
	must := c.truth.must(j)
	if l == nil {
		if must {
			c.fail("job %s of %s, which ended at %s, is not in the journal", j.id, j.url, j.ended.from.Format("15:04:05.000"))
		}
		return
	}
	var missing []string
	for _, message := range j.messages {
		if !slices.ContainsFunc(l.Job.Errors, func(e struct{ Message string }) bool { return strings.Contains(e.Message, message) }) {
			missing = append(missing, message)
		}
	}
	if len(missing) > 0 && (must || l.Error == nil) {
		c.fail("%s is in the journal without %q, and says %v", l.ID, missing, l.Error)
	}
	if must && l.Evidence == nil {
		c.fail("%s is in the journal without evidence", l.ID)
	}
}

// report prints the figures.
func (c *checker) report(w io.Writer) {
	type figures struct{ all, must, logged int }
	var failed, ended figures
	for i := range c.truth.jobs {
		j, f := &c.truth.jobs[i], &ended
		if j.failed {
			f = &failed
		}
		f.all++
		if c.truth.must(j) {
			f.must++
		}
		if c.ends[subject(j.url, j.id)] != nil {
			f.logged++
		}
	}
	downs, killed, again := 0, 0, 0
	for _, list := range c.truth.downs {
		downs += len(list)
	}
	for _, r := range c.truth.runs {
		if r.killed {
			killed++
		}
	}
	for _, n := range c.printed {
		again += n - 1
	}
	_, _ = fmt.Fprintf(w, "hosts    %d, which were away %d times\n", len(c.truth.downs), downs)
	_, _ = fmt.Fprintf(w, "watcher  killed %d times\n", killed)
	_, _ = fmt.Fprintf(w, "failed   %d jobs, %d of them could be seen for longer than two polls; %d are in the journal\n", failed.all, failed.must, failed.logged)
	_, _ = fmt.Fprintf(w, "ended    %d jobs, %d of them could be seen for longer than two polls; %d are in the journal\n", ended.all, ended.must, ended.logged)
	_, _ = fmt.Fprintf(w, "journal  %d events, %d of them of hosts\n", len(c.journal), c.hosts)
	_, _ = fmt.Fprintf(w, "stdout   %d lines were repeated, %d torn by a kill; %d ends of jobs are not in the journal\n", again, c.torn, c.unlogged)
}
