package main

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/pflag"
)

// An eventsHint tells, once per run of get, which command reads what jobs do not tell any more.
type eventsHint struct {
	command string
	many    bool // hosts are asked

	mu      sync.Mutex
	asked   bool // a host has told its jobs, or that it does not have the one that was asked for
	failing bool // a host has shown a failure
}

// maxHintHosts is how many HOST arguments the command repeats.
const maxHintHosts = 4

// newEventsHint returns the hint of this command line.
func (f *getFlags) newEventsHint(p *plan, fs *pflag.FlagSet, args []string) *eventsHint {
	words := []string{"hvmigerr", "events"}
	fs.VisitAll(func(fl *pflag.Flag) {
		connection := fl.Annotations[annotationGroup] != nil && !slices.Contains([]string{"trace", "verbose", "locale"}, fl.Name)
		if f.connection.typed[fl.Name] && fl.Value.String() != "false" &&
			(connection || fl.Name == "vm" || slices.Contains(hostsFlags(), fl.Name)) {
			words = append(words, spelling(fl)...)
		}
	})
	if len(args) > maxHintHosts {
		args = nil
		words = append(words, "HOST...")
	}
	for _, arg := range args {
		words = append(words, shellWord(arg))
	}
	return &eventsHint{command: strings.Join(words, " "), many: p.many}
}

// note takes what get found on one host, and returns err as what it ended with.
func (h *eventsHint) note(found *findings, err error) error {
	if h == nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	gone := exitCode(err) == exitNoSuchJob
	h.asked = h.asked || found.listed || gone
	h.failing = h.failing || found.failed > 0
	if e, ok := err.(*hostError); ok && gone && !h.many { //nolint:errorlint // the host's name stays outermost
		return &hostError{e.host, &forgottenError{e.err, h.command}}
	}
	return err
}

// tell prints the hint when no host has shown a failure. That of err is told with err itself.
func (h *eventsHint) tell(a *app, f *getFlags, err error) {
	if h.failing || !h.asked || f.job != "" && err == nil || has[*forgottenError](err) {
		return
	}
	switch exitCode(err) {
	case exitInterrupted, exitTerminated, exitUsage:
		return
	}
	a.note("hint: the event log tells of migrations whose jobs are forgotten: %s", h.command)
}

// A forgottenError says that a host does not have a job, and which command may still tell of it.
type forgottenError struct {
	err     error
	command string
}

func (e *forgottenError) Error() string { return e.err.Error() }

func (e *forgottenError) Unwrap() error { return e.err }

// forgottenHint is the hint about a job that a host does not have.
func forgottenHint(f *failure) string {
	const forgotten = "a host forgets a job five minutes after it has ended; "
	if e, ok := errors.AsType[*forgottenError](f.err); ok {
		return forgotten + "its event log may still tell of it: " + e.command
	}
	return forgotten + "hvmigerr events reads what its event log still tells of it"
}
