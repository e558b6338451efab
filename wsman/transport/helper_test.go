package transport_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

const (
	user     = "hv-reader"
	password = "c4n4ry-p4ssw0rd"
	// credentials is base64 of user:password.
	credentials = "aHYtcmVhZGVyOmM0bjRyeS1wNHNzdzByZA=="

	envelope = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>`
	soapType = "application/soap+xml;charset=UTF-8"
)

// An authority issues certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	a.cert = a.sign(t, &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{"hv01.example"}, // for one that serves as its own leaf
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
		NotAfter:              time.Now().Add(time.Hour),
	}, a.key)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign returns template signed by a; by itself while a has no certificate.
func (a *authority) sign(t *testing.T, template *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	parent := a.cert
	if parent == nil {
		parent = template
	}
	template.SerialNumber = big.NewInt(1)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// dnsPrefix makes issue take an address for a DNS name.
const dnsPrefix = "DNS:"

// issue returns a certificate with its key for the names and addresses given.
func (a *authority) issue(t *testing.T, notAfter time.Time, names ...string) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "test host"},
		NotBefore:   notAfter.Add(-2 * time.Hour),
		NotAfter:    notAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, strings.TrimPrefix(name, dnsPrefix))
	}
	key := newKey(t)
	cert := a.sign(t, template, key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// A peer is a TCP listener whose connections are handled by a function of the test.
type peer struct {
	net.Listener
	wg    sync.WaitGroup
	mu    sync.Mutex
	conns []net.Conn
	bytes bytes.Buffer // all that arrived, over all connections, as it was on the wire
}

// listen starts a peer. Its connections are closed when the test ends, and when handle returns.
func listen(tb testing.TB, handle func(net.Conn)) *peer {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &peer{Listener: l}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c = &tapped{Conn: c, p: p}
			p.mu.Lock()
			p.conns = append(p.conns, c)
			p.mu.Unlock()
			p.wg.Go(func() {
				handle(c)
				hangUp(c)
			})
		}
	})
	tb.Cleanup(func() {
		hangUp(l)
		p.mu.Lock()
		for _, c := range p.conns {
			hangUp(c)
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

func (p *peer) addr() string { return p.Addr().String() }

// connections returns how many connections were accepted.
func (p *peer) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// received returns every byte that arrived.
func (p *peer) received() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes.String()
}

// A tapped connection records what it reads.
type tapped struct {
	net.Conn
	p *peer
}

func (c *tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	c.p.bytes.Write(b[:n])
	return n, err
}

// answer returns a handler that reads requests and answers each with the bytes given, until there are no more.
func answer(answers ...string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for _, a := range answers {
			if !readRequest(r) {
				return
			}
			if _, err := io.WriteString(c, a); err != nil {
				return
			}
		}
	}
}

// say writes s to c. A peer that cannot be heard any more has no other part to play.
func say(c io.Writer, s string) { _, _ = io.WriteString(c, s) }

// hangUp closes c, whatever became of it.
func hangUp(c io.Closer) { _ = c.Close() }

// silent reads requests and never answers.
func silent(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func readRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

// reply returns an HTTP answer with the header lines and the body given.
func reply(status, body string, header ...string) string {
	header = append([]string{"HTTP/1.1 " + status}, header...)
	return strings.Join(header, "\r\n") + "\r\n\r\n" + body
}

// soap returns a whole SOAP answer.
func soap(status, body string) string {
	return reply(status, body, "Content-Type: "+soapType, "Content-Length: "+itoa(len(body)))
}

func itoa(n int) string { return big.NewInt(int64(n)).String() }

// overTLS makes a handler of TLS connections one of TCP connections.
func overTLS(cfg *tls.Config, handle func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		secured := tls.Server(c, cfg)
		if secured.Handshake() == nil {
			handle(secured)
			hangUp(secured)
		}
	}
}

// inClear returns a configuration for Basic over http to addr.
func inClear(addr string) transport.Config {
	return transport.Config{
		URL:              "http://" + addr + "/wsman",
		Auth:             transport.AuthBasic,
		User:             user,
		Password:         transport.NewSecret(password),
		AllowUnencrypted: true,
		Proxy:            mustProxy("none"),
	}
}

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// counting makes dial keep count, in open, of its connections that are not closed.
func counting(dial dialFunc, open *atomic.Int32) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		open.Add(1)
		return &counted{Conn: c, closed: sync.OnceFunc(func() { open.Add(-1) })}, nil
	}
}

type counted struct {
	net.Conn
	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}

func newTransport(tb testing.TB, cfg transport.Config) *transport.Transport {
	tb.Helper()
	tr, err := transport.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { hangUp(tr) })
	return tr
}

// send sends one envelope.
func send(ctx context.Context, tr *transport.Transport) (*wsman.Reply, error) {
	return tr.RoundTrip(ctx, &wsman.Request{Body: []byte(envelope), Repeatable: true})
}

// mustSend sends one envelope and wants the envelope back.
func mustSend(t *testing.T, tr *transport.Transport) *wsman.Reply {
	t.Helper()
	r, err := send(t.Context(), tr)
	if err != nil {
		t.Fatalf("RoundTrip: %v", err)
	}
	if string(r.Body) != envelope {
		t.Fatalf("RoundTrip: body %q, want %q", r.Body, envelope)
	}
	return r
}
