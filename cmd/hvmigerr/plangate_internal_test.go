// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// wrongPasswords counts what simulated hosts were sent of a user and have refused.
func wrongPasswords(hosts *wsmantest.Fleet) int {
	n := 0
	for i := range hosts.Len() {
		for _, r := range hosts.Host(i).Requests() {
			if r.User != "" && r.StatusCode == 401 {
				n++
			}
		}
	}
	return n
}

// TestGateRefused: a password that all hosts refuse goes to three of them, however many are asked at the same time, by whatever command
// and method. The others are not tried, and say so.
func TestGateRefused(t *testing.T) {
	https := func(_ int, cfg *wsmantest.Config) { *cfg = wsmantest.Config{} }
	for _, tt := range []struct {
		name      string
		hosts     int
		configure func(int, *wsmantest.Config)
		args      []string
	}{
		{"get", 200, nil, []string{"get"}},
		{"jobs", 20, nil, []string{"jobs"}},
		{"identify", 20, nil, []string{"identify"}},
		{"doctor", 20, nil, []string{"doctor"}},
		{"watch", 20, nil, []string{"watch"}},
		{"events", 20, nil, []string{"events"}},
		{"events by shell", 20, nil, []string{"events", "--via", "shell"}},
		{"basic", 20, https, []string{"get", "--auth", "basic", "--insecure"}},
		{"ntlm over https", 20, https, []string{"get", "--auth", "ntlm", "--insecure"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hosts := newFleet(t, tt.hosts, tt.configure)
			t.Setenv(passwordVariable, "wrong-pass")
			got := invokeRun(t.Context(), nil, append(append(tt.args, "-o", "jsonl", "--parallel", "64", "--connect-timeout", "1m"), hosts.args...)...)
			if got.code != exitAuthentication {
				t.Errorf("exit %d, want %d\n%s", got.code, exitAuthentication, got.stderr)
			}
			if n := wrongPasswords(hosts.Fleet); n != 3 {
				t.Errorf("the password went to %d hosts, want 3", n)
			}
			const notTried = `"error":{"kind":"authentication","exit":11,"message":"not tried: refused by `
			if n, want := strings.Count(got.stdout, notTried), tt.hosts-3; n != want {
				t.Errorf("%d hosts were not tried, want %d\n%s", n, want, got.stdout)
			}
		})
	}
}

// TestGateUnanswered: a proof of the password whose answer does not come may have been counted as wrong. It goes to five hosts then.
func TestGateUnanswered(t *testing.T) {
	for name, rule := range map[string]wsmantest.Rule{
		"dropped": {Operation: operationAuthenticate, User: administrator, Drop: true},
		"503":     {Operation: operationAuthenticate, User: administrator, Status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			hosts := newFleet(t, 30, func(_ int, cfg *wsmantest.Config) { cfg.Rules = []wsmantest.Rule{rule} })
			got := invokeRun(t.Context(), nil, append([]string{"jobs", "-o", "jsonl", "--connect-timeout", "1m"}, hosts.args...)...)
			const notTried = `"error":{"kind":"authentication","exit":11,"message":"not tried: the password went to `
			if n := strings.Count(got.stdout, notTried); n != 25 || got.code != exitFailure {
				t.Errorf("%d hosts were not tried, exit %d; want 25, exit %d\n%s", n, got.code, exitFailure, got.stdout)
			}
		})
	}
}

// TestGateDead: hosts that are dead, or take a connection and say nothing, hold up no other, though nobody knows yet whether the password
// is right. Those that are silent are so until all others have been told.
func TestGateDead(t *testing.T) {
	const dead, good = 25, 10
	hosts := newFleet(t, good, nil)
	var args []string
	var silent []net.Listener
	for i := range dead {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, l)
		// Nobody listens at port 1; one that was closed here might become another test's.
		args = append(args, "http://"+l.Addr().String(), fmt.Sprintf("http://127.0.0.1:1/closed%d", i))
	}
	stdout := &lineCounter{left: dead + good, done: make(chan struct{})}
	go func() {
		<-stdout.done
		for _, l := range silent {
			_ = l.Close() // whoever was not accepted is reset
		}
	}()
	args = append([]string{"get", "-o", "jsonl", "--timeout", "1h", "--connect-timeout", "1h"}, append(args, hosts.args...)...)
	var stderr bytes.Buffer
	if code := run(t.Context(), args, nil, stdout, &stderr); code != exitPartly {
		t.Errorf("exit %d, want %d\n%s", code, exitPartly, &stderr)
	}
	lines := strings.Split(strings.TrimSuffix(stdout.text.String(), "\n"), "\n")
	if s := readAllHosts(t, lines[len(lines)-1]).Summary; s.Answered != good || s.NotAnswered != 2*dead {
		t.Errorf("summary %+v", s)
	}
}

// TestGateHangs: a host that says nothing to the password holds up the others for as long as the breaker has patience. It says
// nothing until all others have been told.
func TestGateHangs(t *testing.T) {
	const good = 10
	hang := wsmantest.Rule{Operation: operationAuthenticate, User: administrator, Delay: wsmantest.Duration(time.Hour)}
	hosts := newFleet(t, 1+good, func(i int, cfg *wsmantest.Config) {
		if i == 0 {
			cfg.Rules = []wsmantest.Rule{hang}
		}
	})
	for _, parallel := range []string{"2", "64"} {
		t.Run(parallel, func(t *testing.T) {
			p, _, err := planOf(t, "", append([]string{"-o", "jsonl", "--timeout", "1h", "--parallel", parallel}, hosts.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			p.breaker = fleet.NewBreaker(time.Millisecond)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			stdout := &lineCounter{left: good, done: make(chan struct{})}
			p.app.out = &output{w: bufio.NewWriter(stdout)}
			go func() {
				<-stdout.done
				cancel(errInterrupted)
			}()
			err = p.app.ask(ctx, p, &inquiry{items: items{command: "identify", names: "identity"}, ask: askIdentity})
			_ = p.app.out.flush() // to memory
			lines := strings.Split(strings.TrimSuffix(stdout.text.String(), "\n"), "\n")
			s := readAllHosts(t, lines[len(lines)-1]).Summary
			if s.Answered != good || s.NotAnswered != 1 || !strings.Contains(lines[good], hosts.labels[0]) || exitCode(err) != exitPartly {
				t.Errorf("%v; summary %+v; the last host is %s", err, s, lines[good])
			}
		})
	}
}

// TestGateAgain: time that a host spends waiting for others is not that of its question, unless some of it was answered.
func TestGateAgain(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	const limit = time.Minute
	over := errors.New("deadline of the command")
	for _, tt := range []struct {
		name     string
		answered bool
		stop     time.Duration // of the command; 0: none
		refused  int           // hosts that refuse the password, after 3½ minutes
		tries    int
		exit     int
	}{
		{"admitted", false, 0, 0, 5, exitOK}, // and once more, with all of its time
		{"answered before", true, 0, 0, 1, exitDeadline},
		{"the command is over", false, 150 * time.Second, 0, 3, exitFailure},
		{"refused meanwhile", false, 0, 3, 4, exitAuthentication},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, others := heldUp(t, limit)
				time.AfterFunc(3*limit+limit/2, func() {
					for _, a := range others[:tt.refused] {
						a.Refused(errors.New("wrong password"))
					}
					for _, a := range others {
						a.Leave()
					}
				})
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if tt.stop > 0 {
					time.AfterFunc(tt.stop, func() { cancel(over) })
				}
				tries := 0
				s.answered = tt.answered
				err := s.ask(ctx, func(ctx context.Context) error {
					tries++
					return s.gate.admit(ctx)
				})
				if tries != tt.tries || exitCode(err) != tt.exit || errors.Is(err, over) != (tt.stop > 0) {
					t.Errorf("%d tries, exit %d: %v; want %d, exit %d", tries, exitCode(err), err, tt.tries, tt.exit)
				}
			})
		})
	}
}

// heldUp returns a session with --timeout limit, and the attempts of three other hosts that hold it up.
func heldUp(t *testing.T, limit time.Duration) (*session, []*fleet.Attempt) {
	t.Helper()
	p, _, err := planOf(t, "", "-u", administrator, "--auth", "ntlm", "--timeout", limit.String(), "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	var others []*fleet.Attempt
	p.breaker = fleet.NewBreaker(0)
	for i := range 3 {
		h := p.hosts[0].fleetHost()
		h.Name = strconv.Itoa(i)
		a, err := p.breaker.Enter(t.Context(), h)
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, a)
		synctest.Wait()
	}
	s, err := p.open(p.hosts[0])
	if err != nil {
		t.Fatal(err)
	}
	return s, others
}

// TestGateAnew: who has lost the connection that the password went out over does not wait for itself, nor hold up the next.
func TestGateAnew(t *testing.T) {
	drop := wsmantest.Rule{Operation: operationAuthenticate, User: administrator, Drop: true}
	hosts := newFleet(t, 2, func(_ int, cfg *wsmantest.Config) { cfg.Rules = []wsmantest.Rule{drop} })
	p, _, err := planOf(t, "", append([]string{"--connect-timeout", "1h"}, hosts.args...)...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.open(p.hosts[0])
	if err != nil {
		t.Fatal(err)
	}
	limited, cancel := context.WithTimeout(t.Context(), time.Minute) // a failure is not to hang
	defer cancel()
	for range 2 {
		if err := s.gate.admit(limited); err != nil {
			t.Fatalf("the same host: %v", err)
		}
	}
	err = s.ask(limited, func(ctx context.Context) error {
		if err := s.listing(ctx); !unreachable(err) {
			t.Errorf("listing: %v, want a connection that is lost", err)
		}
		next, err := p.breaker.Enter(ctx, p.hosts[1].fleetHost())
		next.Leave()
		return err
	})
	if err != nil {
		t.Errorf("the next host: %v", err)
	}
}

// TestGateUnproven: an answer that does not tell whether the password was taken holds up others until the session ends, and no longer.
func TestGateUnproven(t *testing.T) {
	hosts := newFleet(t, 2, func(_ int, cfg *wsmantest.Config) {
		cfg.AllowUnencrypted = true
		cfg.Rules = rule("Enumerate", wsmantest.Rule{Status: 503})
	})
	p, _, err := planOf(t, "", append([]string{"--connect-timeout", "1h", "--auth", "basic", "--allow-unencrypted"}, hosts.args...)...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.open(p.hosts[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ask(t.Context(), s.listing); !status(503)(err) || s.gate.current() == nil {
		t.Fatalf("ask: %v, want 503 to a password", err)
	}
	limited, cancel := context.WithTimeout(t.Context(), time.Minute) // a failure is not to hang
	defer cancel()
	if _, err := p.breaker.Enter(limited, p.hosts[1].fleetHost()); err != nil {
		t.Errorf("the next host: %v", err)
	}
}

// TestGateWatch: a host that is not tried since others have refused is given up by watch; one that is not tried since others have not
// answered is not.
func TestGateWatch(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	p, _, err := planOf(t, "", "-u", administrator, "--auth", "ntlm", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	_, known := newWatchedHosts(p)
	if !known[0].Refused(&fleet.NotTriedError{RefusedBy: []string{"a"}, Err: errors.New("no")}) {
		t.Error("want a host that is not tried to be given up")
	}
	if known[0].Refused(&fleet.NotTriedError{UnansweredBy: []string{"a"}}) || known[0].Refused(fleet.ErrNotAdmitted) {
		t.Error("want one that waits to be kept, for an answer or for its turn")
	}
}

// TestGateUnsent: what was not sent is told with -v as such, and leaves no trace; what the error is about is another host.
func TestGateUnsent(t *testing.T) {
	hosts := newFleet(t, 4, nil)
	t.Setenv(passwordVariable, "wrong-pass")
	dir := t.TempDir()
	got := invokeRun(t.Context(), nil, append([]string{"get", "-v", "--trace", dir, "--parallel", "1"}, hosts.args...)...)
	last := hosts.labels[3]
	want := []string{
		"hvmigerr: " + last + ": Enumerate Msvm_MigrationJob: not sent: not tried: refused by ",
		"hvmigerr: " + last + ": 0 requests over 1 connection\n",
		"hvmigerr: " + last + ": not tried: refused by " + strings.Join(hosts.labels[:2], ", ") + " and " + hosts.labels[2] + "\n",
	}
	if i := slices.IndexFunc(want, func(line string) bool { return !strings.Contains(got.stderr, line) }); i >= 0 {
		t.Errorf("no line %q in\n%s", want[i], got.stderr)
	}
	if all := readAll(t, dir); !strings.Contains(all, "Enumerate") || strings.Count(all, "<s:Envelope") > 3 {
		t.Errorf("want the traces of three requests:\n%s", all)
	}
}
