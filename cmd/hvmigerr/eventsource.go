package main

import (
	"context"
	"io"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
)

// eventSource returns a way to the event log of the host: via is one of events.Route. Nothing is sent yet. close ends what the source
// has begun on the host; it comes before that of s, and takes its own short time also after ctx has ended.
func (s *session) eventSource(_ context.Context, via string) (src events.Source, closeSource func(), err error) {
	if events.Route(via) != events.RouteShell {
		return events.NewServerManager(s.client), func() {}, nil
	}
	t := &tracedTransport{s: s}
	shell, err := winrm.NewShell(s.target.url, t)
	if err != nil {
		return nil, nil, err
	}
	return &shellSource{events.NewWevtutil(remoteShell{shell}), t}, func() {
		if err := shell.Close(); err != nil && s.flags.verbose {
			s.app.note("the remote shell was not deleted: %v", err)
		}
	}, nil
}

// A shellSource is a source that knows the clock of the host, which the answers to its messages tell.
type shellSource struct {
	*events.Wevtutil
	t *tracedTransport
}

// Clock returns how far the clock of the host is ahead of ours; 0 if that is not known.
func (s *shellSource) Clock() time.Duration {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	return s.t.clock
}

// ClockKnown reports whether an answer has told of the clock.
func (s *shellSource) ClockKnown() bool {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	return s.t.dated
}

// A remoteShell is a shell whose faults say what was refused.
type remoteShell struct{ events.Runner }

// Run implements [events.Runner].
func (r remoteShell) Run(ctx context.Context, command string, stdout, stderr io.Writer) (int, error) {
	code, err := r.Runner.Run(ctx, command, stdout, stderr)
	if has[*wsman.Fault](err) {
		err = &wsman.OpError{Op: "remote shell", ResourceURI: resourceShell, Err: err}
	}
	return code, err
}

// resourceShell is the resource of the remote shell (MS-WSMV 2.2.4.36).
const resourceShell = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd"

// A tracedTransport is the transport of a session for messages that its client does not write: it tells the session of each exchange,
// as the client does of its own.
type tracedTransport struct {
	s     *session
	mu    sync.Mutex    // a shell is told to end while it is still asked for output
	clock time.Duration // how far that of the host is ahead, by its last answer
	dated bool          // an answer has told
}

// RoundTrip implements [wsman.Transport].
func (t *tracedTransport) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	x := &wsman.Exchange{Operation: "Shell", ResourceURI: resourceShell, Request: req.Body, Started: time.Now()}
	if e, err := wsman.DecodeEnvelope(req.Body); err == nil {
		x.Action, x.Operation = e.Action, path.Base(e.Action)
	}
	reply, err := t.s.transport.RoundTrip(ctx, req)
	x.Duration, x.Err = time.Since(x.Started), err
	matches(err, func(e *wsman.HTTPError) bool {
		x.Response, x.StatusCode, x.Header = e.Body, e.StatusCode, http.Header{"Content-Type": {e.ContentType}}
		return true
	})
	if reply != nil {
		x.Response, x.StatusCode, x.Sealed, x.Header = reply.Body, reply.StatusCode, reply.Sealed, http.Header{}
		for _, name := range []string{"Content-Type", "Content-Length", "Date", "Server"} { // others may hold credentials
			if v := reply.Header.Values(name); len(v) > 0 {
				x.Header[name] = v
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if date, err := http.ParseTime(x.Header.Get("Date")); err == nil {
		t.clock, t.dated = time.Until(date).Round(time.Second), true
	}
	t.s.exchanged(x)
	return reply, err
}
