package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// A tracer writes exchanges as DIR/HOST/NNN-Operation/{request.xml,response.xml,about.txt}, the layout of testdata/exchange, so that a
// user's report becomes a test by moving it. What it writes holds no credentials ([wsman.Exchange]), nor those that a peer
// sends back; it does name machines.
type tracer struct {
	dir       *traceDir
	secrets   redactor
	mechanism string // that seals answers
}

// A traceDir is where the exchanges with one host go, from however many sessions.
type traceDir struct {
	path string
	n    atomic.Int64 // exchanges so far
}

// makeTrace makes dir, which must be new or empty, for its owner alone.
func makeTrace(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		err = checkEmpty(dir)
	}
	return err
}

// traceOf returns the directory of a host, which is made once. Two hosts have two, however alike their names are as those of files.
func (p *plan) traceOf(t *target) (*traceDir, error) {
	name := t.name
	if p.many {
		name = t.label
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := p.traces[t.key]; d != nil {
		return d, nil
	}
	path := filepath.Join(p.flags.trace, fileName(name))
	err := os.Mkdir(path, 0o700)
	for i := 2; errors.Is(err, fs.ErrExist); i++ {
		path = filepath.Join(p.flags.trace, fmt.Sprintf("%s-%d", fileName(name), i))
		err = os.Mkdir(path, 0o700)
	}
	if err != nil {
		return nil, err
	}
	d := &traceDir{path: path}
	p.traces[t.key] = d
	return d, nil
}

// checkEmpty refuses what is in use already: two traces in one directory could not be told apart.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s exists and is not empty", dir)
	}
	return os.Chmod(dir, 0o700) //nolint:gosec // a directory needs x
}

// write writes one exchange.
func (t *tracer) write(x *wsman.Exchange) error {
	dir := filepath.Join(t.dir.path, fmt.Sprintf("%03d-%s", t.dir.n.Add(1), fileName(x.Operation)))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	keep := func(name, text string) error {
		return os.WriteFile(filepath.Join(dir, name), []byte(t.secrets.clean(text)), 0o600)
	}
	errs := []error{
		keep("request.xml", string(x.Request)), // a context of the peer's may stand in it
		keep("about.txt", t.about(x)),
	}
	if x.Response != nil {
		errs = append(errs, keep("response.xml", string(x.Response)))
	}
	return errors.Join(errs...)
}

// about describes an exchange: a sentence, a blank line, then key: value.
func (t *tracer) about(x *wsman.Exchange) string {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, safeLine(t.secrets.clean(value)))
		}
	}
	sealed := ""
	if x.Sealed {
		sealed = "sealed by " + t.mechanism + ", "
	}
	fmt.Fprintf(&b, "%s, %srecorded by hvmigerr --trace.\n\n", safeLine(x.Operation), sealed)
	if x.StatusCode != 0 {
		line("status", fmt.Sprint(x.StatusCode))
	}
	line("action", x.Action)
	line("resource", x.ResourceURI)
	line("sent", x.Started.UTC().Format(time.RFC3339Nano))
	line("took", x.Duration.String())
	for _, name := range slices.Sorted(maps.Keys(x.Header)) {
		line(strings.ToLower(name), strings.Join(x.Header[name], ", "))
	}
	if x.Err != nil {
		line("error", x.Err.Error())
	}
	return b.String()
}

// fileName makes s the name of one file on every system, Windows included.
func fileName(s string) string {
	name := strings.Map(func(r rune) rune {
		if r <= ' ' || unsafeRune(r) || strings.ContainsRune(`<>:"/\|?*%`, r) {
			return '_'
		}
		return r
	}, s)
	if strings.Trim(name, ".") == "" {
		return "_" + name
	}
	return name
}
