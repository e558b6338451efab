package wsmantest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// A Step is one exchange of a [Script]: what is expected, then what comes of it.
type Step struct {
	// Name is for messages.
	Name string
	// Request is the envelope expected, compared by [Compare]. If nil, any.
	Request []byte
	// Check looks further at the request. If nil, nothing does.
	Check func(*wsman.Request) error

	// Response is the body of the answer. Its RelatesTo is replaced by the request's MessageID unless KeepRelatesTo is set.
	Response      []byte
	KeepRelatesTo bool
	// StatusCode is that of the answer. If zero, 200.
	StatusCode int
	// Header is that of the answer. If nil, the content type of SOAP alone.
	Header http.Header
	// Err is returned in place of an answer. wsman.ErrConnectionLost and *wsman.HTTPError belong here.
	Err error
	// Hang waits for the end of the context in place of an answer.
	Hang bool
}

// A Script is a [wsman.Transport] that plays its steps in order. A request that is not the one expected, or is one too
// many, fails and is told by [Script.Done].
type Script struct {
	mu    sync.Mutex
	steps []Step
	next  int
	errs  []error
}

// NewScript returns a transport that plays steps.
func NewScript(steps ...Step) *Script { return &Script{steps: steps} }

// RoundTrip implements [wsman.Transport].
func (s *Script) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	step, err := s.take(req)
	switch {
	case err != nil:
		return nil, err
	case step.Hang:
		<-ctx.Done()
		return nil, ctx.Err()
	case step.Err != nil:
		return nil, step.Err
	}
	reply := &wsman.Reply{Body: step.Response, StatusCode: step.StatusCode, Header: step.Header.Clone()}
	if !step.KeepRelatesTo {
		reply.Body = relate(reply.Body, req.Body)
	}
	if reply.StatusCode == 0 {
		reply.StatusCode = http.StatusOK
	}
	if reply.Header == nil {
		reply.Header = http.Header{"Content-Type": {contentTypeSOAP}}
	}
	return reply, nil
}

// take returns the step for a request, or why there is none.
func (s *Script) take(req *wsman.Request) (*Step, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	if s.next > len(s.steps) {
		return nil, s.fail(fmt.Errorf("request %d is one too many: the script has %d steps", s.next, len(s.steps)))
	}
	step := &s.steps[s.next-1]
	where := fmt.Sprintf("request %d", s.next)
	if step.Name != "" {
		where += " (" + step.Name + ")"
	}
	if step.Request != nil {
		if err := Compare(step.Request, req.Body); err != nil {
			return nil, s.fail(fmt.Errorf("%s: %w", where, err))
		}
	}
	if step.Check != nil {
		if err := step.Check(req); err != nil {
			return nil, s.fail(fmt.Errorf("%s: %w", where, err))
		}
	}
	return step, nil
}

func (s *Script) fail(err error) error {
	err = fmt.Errorf("wsmantest: %w", err)
	s.errs = append(s.errs, err)
	return err
}

// Done returns what went against the script: requests that were not expected, and steps that no request reached.
func (s *Script) Done() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := s.errs
	if left := len(s.steps) - s.next; left > 0 {
		errs = append(slices.Clip(errs), fmt.Errorf("wsmantest: %d steps were not reached", left))
	}
	return errors.Join(errs...)
}

// Files of a recorded exchange. about.txt holds a line "status: 500" when the status is not 200.
const (
	fileRequest  = "request.xml"
	fileResponse = "response.xml"
	fileAbout    = "about.txt"
)

// LoadSteps reads recorded exchanges: dir holds one (request.xml, response.xml, about.txt), or folders that each hold
// one, which are then played in the order of their names. A folder without request.xml expects any request.
func LoadSteps(fsys fs.FS, dir string) ([]Step, error) {
	if _, err := fs.Stat(fsys, path.Join(dir, fileResponse)); err == nil {
		step, err := loadStep(fsys, dir)
		return []Step{step}, err
	}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("wsmantest: %w", err)
	}
	var steps []Step
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		step, err := loadStep(fsys, path.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	if steps == nil {
		return nil, fmt.Errorf("wsmantest: %s holds no exchange", dir)
	}
	return steps, nil
}

func loadStep(fsys fs.FS, dir string) (Step, error) {
	step := Step{Name: path.Base(dir)}
	var err error
	if step.Response, err = fs.ReadFile(fsys, path.Join(dir, fileResponse)); err != nil {
		return step, fmt.Errorf("wsmantest: %w", err)
	}
	if step.Request, err = readOptional(fsys, path.Join(dir, fileRequest)); err != nil {
		return step, err
	}
	about, err := readOptional(fsys, path.Join(dir, fileAbout))
	if err != nil {
		return step, err
	}
	for line := range strings.Lines(string(about)) {
		key, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(key) != "status" {
			continue
		}
		if step.StatusCode, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
			return step, fmt.Errorf("wsmantest: %s: %w", path.Join(dir, fileAbout), err)
		}
	}
	return step, nil
}

// readOptional reads a file; one that is not there is nil.
func readOptional(fsys fs.FS, name string) ([]byte, error) {
	b, err := fs.ReadFile(fsys, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("wsmantest: %w", err)
	}
	return b, nil
}
