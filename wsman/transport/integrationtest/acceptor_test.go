//go:build integration

package integrationtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// An acceptor is acceptor.py at work: MIT krb5 and gss-ntlmssp behind sealed messages.
type acceptor struct {
	port    int
	cmd     *exec.Cmd
	stdin   io.Closer
	stdout  *json.Decoder
	stopped bool
}

// A record is what became of one request at an acceptor.
type record struct {
	Connection              int // the client's port
	Leg                     bool
	Scheme, Mechanism, User string
	Signature, Size, Status int
	SHA256                  string
	Refused, Broken         string // why
}

// environment returns what an acceptor needs to authenticate the users of k, if not nil, and CORP\me by NTLM.
func environment(t *testing.T, k *kdc) []string {
	t.Helper()
	users := filepath.Join(t.TempDir(), "users")
	write(t, users, "CORP:"+user+":"+password+"\n")
	env := []string{"NTLM_USER_FILE=" + users}
	if k != nil {
		env = append(env, "KRB5_CONFIG="+k.conf(), "KRB5_KTNAME=FILE:"+k.keytab())
	}
	return env
}

// newAcceptor starts an acceptor with the flags args.
func newAcceptor(t *testing.T, env []string, args ...string) *acceptor {
	t.Helper()
	a := &acceptor{cmd: script(t, env, "acceptor.py", args...)}
	a.cmd.Stderr = newTranscript(t, "acceptor.py")
	stdin, err := a.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	a.stdin, a.stdout = stdin, json.NewDecoder(stdout)
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.end() })
	var first struct{ Port int }
	if err := a.stdout.Decode(&first); err != nil {
		t.Fatalf("acceptor.py does not start: %v", err)
	}
	a.port = first.Port
	return a
}

// end ends the acceptor, whose records have been read.
func (a *acceptor) end() error {
	if a.stopped {
		return nil
	}
	a.stopped = true
	_ = a.stdin.Close()
	return a.cmd.Wait()
}

// stop ends the acceptor and returns what it has recorded. An answer is recorded before it is sent.
func (a *acceptor) stop(t *testing.T) []record {
	t.Helper()
	_ = a.stdin.Close()
	var records []record
	for {
		var r record
		err := a.stdout.Decode(&r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	if err := a.end(); err != nil {
		t.Errorf("acceptor.py: %v", err)
	}
	return records
}

// transport returns a Transport to the acceptor, which goes by the name of host.
func (a *acceptor) transport(t *testing.T, scheme, host string, cfg transport.Config) *transport.Transport {
	t.Helper()
	cfg.URL = scheme + "://" + net.JoinHostPort(host, strconv.Itoa(a.port)) + "/wsman"
	cfg.DialContext = dialLoopback
	proxy, err := transport.ParseProxy("none")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Proxy = proxy
	tr, err := transport.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// dialLoopback connects to the port of addr on 127.0.0.1, whatever the host: the names in these tests are in no DNS.
func dialLoopback(ctx context.Context, _, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
}
