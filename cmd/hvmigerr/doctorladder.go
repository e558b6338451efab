package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// A verdict is what became of a rung.
type verdict string

const (
	rungOK      verdict = "ok"
	rungWarning verdict = "warning" // it can be climbed, and something about it is not as it should be
	rungFailed  verdict = "failed"
	rungSkipped verdict = "skipped"
)

// A step is what was seen at a rung.
type step struct {
	name   string
	result verdict
	seen   string
	also   string   // goes on with what was seen, failure or not
	more   []string // lines of their own, such as fingerprints
	// means and actions are for warnings and failures. A failure without a meaning has that of the table of advice, and its actions too.
	means   string
	actions []action
	details object // for JSON
	err     error  // of a failure
	// blocks keeps the rungs that need this one from being climbed, though it has not failed; of one that was kept from
	// it, notTried tells so.
	blocks, notTried bool
}

func okay(seen string) *step    { return &step{result: rungOK, seen: seen} }
func skipped(seen string) *step { return &step{result: rungSkipped, seen: seen} }
func failed(err error) *step    { return &step{result: rungFailed, err: err} }

func warning(seen, means string, actions ...action) *step {
	return &step{result: rungWarning, seen: seen, means: means, actions: actions}
}

// A rung is one step of the ladder.
type rung struct {
	name string
	// needs are the rungs without which this one cannot be climbed.
	needs []string
	climb func(*ladder, context.Context) *step
}

// The names of the rungs that others need. They stand in JSON and do not change.
const (
	rungName           = "name"
	rungTCP            = "tcp"
	rungProxy          = "proxy"
	rungTLS            = "tls"
	rungHTTP           = "http"
	rungKerberos       = "kerberos"
	rungAuthentication = "authentication"
	rungNamespace      = "namespace"
	rungClass          = "class"
	rungVisible        = "visible"
	rungRead           = "read"
)

// rungs returns the ladder, from the ground up. No credentials leave, not even for a KDC, before something at the host has answered
// as WS-Management does.
func rungs() []rung {
	return []rung{
		{rungName, nil, (*ladder).name},
		{rungTCP, []string{rungName}, (*ladder).tcp},
		{rungProxy, []string{rungTCP}, (*ladder).proxy},
		{rungTLS, []string{rungProxy}, (*ladder).tls},
		{rungHTTP, []string{rungTLS}, (*ladder).http},
		{"schemes", []string{rungHTTP}, (*ladder).schemes},
		{"identify", []string{rungHTTP}, (*ladder).identify},
		{"clock", []string{rungHTTP}, (*ladder).clock},
		{rungKerberos, []string{rungHTTP}, (*ladder).kerberos},
		{rungAuthentication, []string{rungKerberos}, (*ladder).authentication},
		{"sealing", []string{rungAuthentication}, (*ladder).sealing},
		{rungNamespace, []string{rungAuthentication}, (*ladder).namespace},
		{rungClass, []string{rungNamespace}, (*ladder).class},
		{rungVisible, []string{rungNamespace}, (*ladder).visible},
		{rungRead, []string{rungClass, rungVisible}, (*ladder).read},
		{"execute", []string{rungRead}, (*ladder).execute},
		{"events", []string{rungAuthentication}, (*ladder).events},
		{"shell", []string{rungAuthentication}, (*ladder).shell},
		{"limits", []string{rungAuthentication}, (*ladder).limits},
		{"migration", []string{rungNamespace}, (*ladder).migration},
	}
}

// A ladder is a host that is being looked at, and what is known of it so far.
type ladder struct {
	s *session
	// nobody tells that no user is named and there is no ticket.
	nobody bool
	flags  *pflag.FlagSet // of this call
	steps  []*step
	tell   func(*step) // nil: nobody wants to know before the end

	resolution *transport.Resolution

	looked   bool
	probe    *transport.Probe
	probeErr error
	waited   time.Duration // how long the look took

	tickets *transport.KerberosReport // nil before Kerberos was looked at

	logon *tally // what it took until the user was taken by a method that authenticates a connection; nil: nothing to watch

	system  string // the name of the first Msvm_ComputerSystem that the user sees
	sees    bool   // there is one
	refused error  // why the user may not see any
	untold  error  // why the host did not tell
	jobs    []*invoke.MigrationJob
	jobsErr error

	logReadable bool // by a method of WMI
}

// take climbs one rung, unless one that it needs keeps it from that.
func (l *ladder) take(ctx context.Context, r *rung) *step {
	for _, st := range l.steps {
		if st.err != nil && severed(st.err) || slices.Contains(r.needs, st.name) && (st.err != nil || st.blocks || st.notTried) {
			return &step{name: r.name, result: rungSkipped, seen: "not tried: it needs " + st.name, notTried: true}
		}
	}
	st := &step{err: over(ctx)}
	if st.err == nil {
		st = r.climb(l, ctx)
	}
	st.name = r.name
	if st.err != nil {
		l.complete(ctx, st)
	}
	st.seen += st.also
	l.watchConnections(st)
	l.address(st)
	return st
}

// A tally is how much was sent by some time.
type tally struct{ requests, connections int }

func (l *ladder) tally() *tally { return &tally{l.s.requests, l.s.transport.Connections()} }

// watchConnections warns, once, at the rung that shows it, of a host that keeps no connection: as many were opened since the logon as
// requests were sent, and more than one.
func (l *ladder) watchConnections(st *step) {
	switch {
	case st.name == rungAuthentication && st.err == nil && l.s.method.sealing():
		l.logon = l.tally()
	case l.logon == nil || st.result != rungOK:
	default:
		now := l.tally()
		requests := now.requests - l.logon.requests
		if requests < 2 || now.connections-l.logon.connections < requests {
			return
		}
		l.logon = nil
		st.result = rungWarning
		st.seen += "; the host closes the connection after each answer"
		st.means = "Every request logs on anew, which takes time and fills the host's log of logons. Something in between may do it."
		if _, used := l.s.transport.Proxy(); used {
			st.actions = append(st.actions, withoutProxy())
		}
	}
}

// complete adds to a failure what the table of advice knows.
func (l *ladder) complete(ctx context.Context, st *step) {
	st.result, st.err = rungFailed, stopped(ctx, st.err)
	err := st.err
	if ranOut(err) {
		err = &timeoutError{l.s.flags.timeout, err}
	}
	err = l.s.failed(err)
	if st.seen == "" {
		st.seen = message(err)
	}
	if st.means != "" {
		return // the rung knows better
	}
	known := advise(err)
	st.means = known.means
	_, proxied := l.s.transport.Proxy()
	for _, act := range known.actions {
		doing := strings.HasPrefix(act.command, "hvmigerr doctor <HOST>") // that is what is being done
		if !doing && (proxied || !strings.Contains(act.command, "--proxy none")) {
			st.actions = append(st.actions, act)
		}
	}
}

// over returns why there is no time for more, nil if there is. A deadline that has passed counts before ctx has noticed.
func over(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// severed tells that the way to the host, or to the user's place there, is lost, so that no other rung can be climbed.
func severed(err error) bool {
	return hopeless(err) && !status(http.StatusServiceUnavailable)(err)
}

// bad tells an error that is not merely an answer to one question, so that asking on helps nobody.
func bad(ctx context.Context, err error) bool {
	return err != nil && (over(ctx) != nil || hopeless(err))
}

// denies tells that err is the host's word that the user may not.
func denies(err error) bool { return matches(err, (*wsman.Fault).AccessDenied) }
