// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// shardWith returns the value of --shard for the part with that host, and few others.
func shardWith(key string) string {
	s := shard{of: 1000}
	for !s.holds(key) {
		s.index++
	}
	return fmt.Sprintf("%d/%d", s.index, s.of)
}

// TestPlanUnasked: a host that needs a password, where none was asked for, has no session.
func TestPlanUnasked(t *testing.T) {
	clearEnvironment(t)
	const list = "hv01 auth=certificate\nhv02 user=me\nhv03 auth=kerberos user=me@CORP.EXAMPLE\n"
	p, _, err := planOf(t, list, "--client-cert", certificateFile(t), "--shard", shardWith("hv01"), "-")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hv02", "hv03"} {
		if s, err := p.open(p.named(name)); err == nil || !strings.Contains(err.Error(), "a password is needed for "+name) {
			t.Errorf("open(%s) = %+v, %v", name, s, err)
		}
	}
	t.Setenv(passwordVariable, password)
	if p, _, err = planOf(t, list, "--client-cert", certificateFile(t), "--shard", shardWith("hv02"), "-"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hv01", "hv02", "hv03"} {
		if _, err := p.open(p.named(name)); err != nil {
			t.Errorf("open(%s): %v", name, err)
		}
	}
}

// certificateFile writes a client certificate with its key.
func certificateFile(t *testing.T) string {
	t.Helper()
	certificate, key, _ := clientCertificate(t)
	var both []byte
	for _, name := range []string{certificate, key} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	return file(t, "both.pem", string(both))
}

// TestPlanPassword: there is one question for all.
func TestPlanPassword(t *testing.T) {
	clearEnvironment(t)
	runs := file(t, "runs", "")
	command := file(t, "command", "#!/bin/sh\necho x >> "+runs+"\necho hunter2\n")
	if err := os.Chmod(command, 0o700); err != nil {
		t.Fatal(err)
	}
	p, _, err := planOf(t, "hv01 user=a\nhv02 auth=basic https=true\nhv03 user=b@CORP.EXAMPLE auth=kerberos", "-u", "me", "--password-command", command, "-")
	if err != nil {
		t.Fatal(err)
	}
	n, err := os.ReadFile(runs)
	if string(n) != "x\n" || err != nil {
		t.Errorf("the command ran %q, %v", n, err)
	}
	if got := p.app.secrets.clean("hunter2 bWU6aHVudGVyMg=="); strings.Contains(got, "hunter2") || strings.Contains(got, "bWU6") {
		t.Errorf("cleaned: %q", got)
	}
	for _, h := range p.hosts {
		s, err := p.open(h)
		if err != nil {
			t.Fatal(err)
		}
		if text := s.failed(errors.New("hunter2")).Error(); text != redacted {
			t.Errorf("%s says %q", h.target.label, text)
		}
		if h.method.Mechanism == transport.MechanismKerberos && s.kerberos == nil {
			t.Errorf("%s has no Kerberos", h.target.label)
		}
	}
}

// TestPlanSessions: sessions share what can be shared, and tell the breaker what becomes of the password.
func TestPlanSessions(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, "wrong-"+password)
	var addresses []string
	for range 3 {
		h := newHost(t, wsmantest.Config{HTTP: true, AllowUnencrypted: true})
		addresses = append(addresses, h.Addr().String())
	}
	for _, auth := range []string{"ntlm", "basic"} {
		t.Run(auth, func(t *testing.T) {
			p, _, err := planOf(t, "", append([]string{"-u", administrator, "--auth", auth, "--http", "--allow-unencrypted"}, addresses...)...)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range p.hosts {
				s, err := p.open(h)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.ask(t.Context(), s.listing); exitCode(err) != exitAuthentication || !strings.HasPrefix(err.Error(), h.target.label+": ") {
					t.Errorf("%v, want exit 11 and %s", err, h.target.label)
				}
			}
			if _, err := p.breaker.Enter(t.Context(), p.hosts[0].fleetHost()); !has[*fleet.NotTriedError](err) {
				t.Errorf("a fourth may try: %v", err)
			}
		})
	}
}

// listing asks for the jobs.
func (s *session) listing(ctx context.Context) error {
	_, err := s.listNamed(ctx, nil)
	return err
}

// TestPlanTaken: one host that takes the password lets all others go, by whatever method.
func TestPlanTaken(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	h := newHost(t, wsmantest.Config{AllowUnencrypted: true})
	for _, flags := range []string{"--auth ntlm", "--auth ntlm --seal never", "--auth basic"} {
		t.Run(flags, func(t *testing.T) {
			p, _, err := planOf(t, h.URL()+" spn=x\n", append(strings.Fields(flags), "-u", administrator, "--ca-file", h.ca, "-")...)
			if err != nil {
				t.Fatal(err)
			}
			s, err := p.open(p.hosts[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := s.ask(t.Context(), s.listing); err != nil {
				t.Fatal(err)
			}
			limited, cancel := context.WithTimeout(t.Context(), 10*time.Second) // a failure is not to hang
			defer cancel()
			for range 5 { // none of them leaves: they would wait for each other if nothing were known
				if _, err := p.breaker.Enter(limited, p.hosts[0].fleetHost()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestRunInventory asks two hosts that an inventory names as it likes. Its password is nobody's business.
func TestRunInventory(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	var ports []int
	for range 2 {
		h := newHost(t, wsmantest.Config{HTTP: true})
		ports = append(ports, h.Addr().(*net.TCPAddr).Port)
	}
	inventory := fmt.Sprintf(`{
		"_meta": {"hostvars": {
			"web one": {"ansible_host": "127.0.0.1", "ansible_port": %d, "ansible_user": "administrator", "ansible_password": "hunter2"},
			"web/one": {"ansible_host": "127.0.0.1", "ansible_port": "%d", "ansible_user": ".\\administrator", "ansible_winrm_password": "hunter2"}
		}},
		"all": {"children": ["first", "second"]}, "first": {"hosts": ["web one"]}, "second": {"hosts": ["web/one"]}
	}`, ports[0], ports[1])
	dir := filepath.Join(t.TempDir(), "trace")
	got := invokeRun(t.Context(), strings.NewReader(inventory), "identify", "-v", "--inventory", "-", "--trace", dir, "-o", "jsonl")
	if got.code != exitOK || strings.Count(got.stdout, `"authenticated":true`) != 2 {
		t.Errorf("identify = %+v", got)
	}
	for _, want := range []string{`"host":"web one"`, `"host":"web/one"`} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("%s is not in\n%s", want, got.stdout)
		}
	}
	for i, name := range []string{"web_one", "web_one-2"} { // in the order in which they were opened
		if _, err := os.Stat(filepath.Join(dir, name, "001-Identify", "request.xml")); err != nil {
			t.Error(err)
		}
		line := fmt.Sprintf("hvmigerr: %s: http://127.0.0.1:%d/wsman, authentication NTLM (", []string{"web one", "web/one"}[i], ports[i])
		if !strings.Contains(got.stderr, line) {
			t.Errorf("%q is not in\n%s", line, got.stderr)
		}
	}
	if all := got.stdout + got.stderr + readAll(t, dir); strings.Contains(all, "hunter2") || strings.Contains(all, password) {
		t.Errorf("a password is in the output:\n%s", all)
	}
}
