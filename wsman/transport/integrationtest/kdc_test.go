//go:build integration

package integrationtest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The realm of every kdc, the one user whom all tests share, and her password.
const (
	realm    = "HV.TEST"
	user     = "me"
	password = "a pass, with blanks & ü"
)

// etype is an encryption type by its name in MIT krb5, and the length of the signature that goes before data it has sealed
// (facts/auth.md §4).
type etype struct {
	name      string
	signature int
}

var etypes = []etype{
	{"aes128-cts-hmac-sha1-96", 60},
	{"aes256-cts-hmac-sha1-96", 60},
	{"aes128-cts-hmac-sha256-128", 64},
	{"aes256-cts-hmac-sha384-192", 72},
}

// A kdc is a KDC of MIT krb5 on the loopback interface. It knows the shared user, who has keys of all etypes, and the service HTTP of the
// host localhost. Its clients are told to ask no DNS.
type kdc struct {
	dir  string
	addr string
	env  []string // for the tools of MIT krb5
}

func newKDC(t *testing.T) *kdc {
	t.Helper()
	k := &kdc{dir: t.TempDir(), addr: freeAddr(t)}
	k.env = []string{"KRB5_CONFIG=" + k.path("krb5.conf"), "KRB5_KDC_PROFILE=" + k.path("kdc.conf")}
	k.configure(t)
	k.tool(t, "kdb5_util", "create", "-s", "-r", realm, "-P", "master key")
	k.admin(t, "addprinc", "-pw", password, "+requires_preauth", user)
	k.addService(t, "HTTP/localhost")
	k.start(t)
	return k
}

// path returns the path of one of the KDC's files.
func (k *kdc) path(name string) string { return filepath.Join(k.dir, name) }

// conf returns the path of krb5.conf.
func (k *kdc) conf() string { return k.path("krb5.conf") }

// keytab returns the path of the keytab of the services.
func (k *kdc) keytab() string { return k.path("http.keytab") }

func (k *kdc) configure(t *testing.T) {
	t.Helper()
	var names []string
	for _, e := range etypes {
		names = append(names, e.name+":normal")
	}
	write(t, k.conf(), fmt.Sprintf(`[libdefaults]
	default_realm = %[1]s
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
	udp_preference_limit = 1
[realms]
	%[1]s = {
		kdc = %[2]s
	}
[domain_realm]
	localhost = %[1]s
`, realm, k.addr))
	write(t, k.path("kdc.conf"), fmt.Sprintf(`[kdcdefaults]
	kdc_listen = ""
	kdc_tcp_listen = %[2]s
[realms]
	%[1]s = {
		database_name = %[3]s
		key_stash_file = %[4]s
		acl_file = %[5]s
		supported_enctypes = %[6]s
	}
[logging]
	kdc = STDERR
`, realm, k.addr, k.path("database"), k.path("stash"), k.path("acl"), strings.Join(names, " ")))
}

// start starts krb5kdc and waits for it to say that it listens.
func (k *kdc) start(t *testing.T) {
	t.Helper()
	c := command(t, k.env, "krb5kdc", "-n", "-r", realm, "-P", k.path("pid"))
	log := newTranscript(t, "krb5kdc")
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = c.Process.Kill()
		<-done
		_ = c.Wait()
	})
	ready := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(io.TeeReader(stderr, log))
		for lines.Scan() {
			if strings.Contains(lines.Text(), "commencing operation") {
				close(ready)
			}
		}
	}()
	select {
	case <-ready:
	case <-done:
		t.Fatal("krb5kdc ended before it listened")
	}
}

// tool runs one of the tools of MIT krb5.
func (k *kdc) tool(t *testing.T, name string, args ...string) {
	t.Helper()
	run(t, command(t, k.env, name, args...), "")
}

// admin gives one command to kadmin.
func (k *kdc) admin(t *testing.T, args ...string) {
	t.Helper()
	k.tool(t, "kadmin.local", append([]string{"-r", realm}, args...)...)
}

// addService makes a service with random keys, of the types that options tell, and adds them to the keytab.
func (k *kdc) addService(t *testing.T, name string, options ...string) {
	t.Helper()
	k.admin(t, append(append([]string{"addprinc", "-randkey"}, options...), name)...)
	k.admin(t, "ktadd", "-norandkey", "-k", k.keytab(), name)
}

// userKeytab returns the path of a keytab of the user name.
func (k *kdc) userKeytab(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "client.keytab")
	k.admin(t, "ktadd", "-norandkey", "-k", path, name)
	return path
}

// kinit returns the path of a ticket cache that kinit has filled for user, with options.
func (k *kdc) kinit(t *testing.T, options ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ccache")
	args := append([]string{"-c", "FILE:" + path}, options...)
	run(t, command(t, k.env, "kinit", append(args, user)...), password+"\n")
	return path
}

// freeAddr returns a loopback address that nothing listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
