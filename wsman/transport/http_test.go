package transport_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// kind names what RoundTrip returned.
func kind(r *wsman.Reply, err error) string {
	if (r == nil) == (err == nil) {
		return "not exactly one of reply and error"
	}
	if err == nil {
		return fmt.Sprintf("reply %d", r.StatusCode)
	}
	if errors.Is(err, wsman.ErrConnectionLost) {
		return "lost"
	}
	if e, ok := errors.AsType[*transport.ConnectError](err); ok {
		return "connect " + e.Stage
	}
	if e, ok := errors.AsType[*wsman.HTTPError](err); ok {
		return fmt.Sprintf("http %d", e.StatusCode)
	}
	if e, ok := errors.AsType[*transport.LimitError](err); ok {
		return "limit " + e.What
	}
	if _, ok := errors.AsType[*wsman.ProtocolError](err); ok {
		return "protocol"
	}
	return err.Error()
}

func TestAnswers(t *testing.T) {
	page := "<!DOCTYPE html><html><body>" + strings.Repeat("an error page ", 1000) + "</body></html>"
	const size = 64 << 10
	big := strings.Repeat("x", size+1)
	for _, tt := range []struct {
		name, answer, want string
	}{
		{"SOAP", soap("200 OK", envelope), "reply 200"},
		{"fault 500", soap("500 Internal Server Error", envelope), "reply 500"},
		{"fault 400", soap("400 Bad Request", envelope), "reply 400"},
		{"fault 503", soap("503 Service Unavailable", envelope), "reply 503"},
		{"reason missing", reply("200", envelope, "Content-Type: "+soapType), "reply 200"},
		{"reason (null)", soap("200 (null)", envelope), "reply 200"},
		{"until the end", reply("200 OK", envelope, "Content-Type: "+soapType), "reply 200"},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Type: " + soapType + "\r\n\r\n" + envelope, "reply 200"},
		{"type in capitals", reply("200 OK", envelope, "Content-Type: Application/SOAP+XML ; charset=utf-16"), "reply 200"},
		{"type text/xml", reply("200 OK", envelope, "Content-Type: text/xml"), "reply 200"},
		{"no type", reply("500 X", envelope), "reply 500"},
		{"SOAP type, not SOAP", soap("200 OK", "x"), "reply 200"},
		{"SOAP type, empty", soap("200 OK", ""), "reply 200"},
		{"SOAP type, empty 500", soap("500 X", ""), "http 500"},
		{"100 first", "HTTP/1.1 100 Continue\r\n\r\n" + soap("200 OK", envelope), "reply 200"},
		{"100 without end", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 10000), "limit header"},
		{"101", reply("101 Switching Protocols", "", "Upgrade: x", "Connection: upgrade"), "http 101"},
		{"204", reply("204 No Content", ""), "http 204"},
		{"page with 200", reply("200 OK", page, "Content-Type: text/html", "Content-Length: "+itoa(len(page))), "http 200"},
		{"endless page", reply("200 OK", page, "Content-Type: text/html", "Content-Length: 300000000"), "http 200"},
		{"redirect", reply("302 Found", "", "Location: https://elsewhere/", "Content-Length: 0"), "http 302"},
		{"401", reply("401 Unauthorized", "", "Content-Length: 0"), "http 401"},
		{"401 with SOAP", soap("401 Unauthorized", envelope), "http 401"},
		{"407", soap("407 Proxy Authentication Required", envelope), "http 407"},
		{"413", reply("413 Too Large", "", "Content-Length: 0"), "http 413"},
		{"503", reply("503 Service Unavailable", "", "Content-Length: 0"), "http 503"},
		{"503 of SOAP type", soap("503 Service Unavailable", ""), "http 503"},
		{"gzip", reply("200 OK", "\x1f\x8b\x08", "Content-Type: "+soapType, "Content-Encoding: gzip", "Content-Length: 3"), "protocol"},
		{"gzip page", reply("200 OK", "\x1f\x8b\x08", "Content-Encoding: gzip", "Content-Length: 3"), "http 200"},
		{"nothing", "", "lost"},
		{"one byte", "H", "lost"},
		{"half a header", "HTTP/1.1 200 OK\r\nContent-", "lost"},
		{"truncated", reply("200 OK", envelope, "Content-Type: "+soapType, "Content-Length: "+itoa(len(envelope)+1)), "lost"},
		{"truncated page", reply("500 X", "x", "Content-Type: text/html", "Content-Length: 2"), "lost"},
		{"truncated far in", reply("200 OK", big[:9000], "Content-Type: "+soapType, "Content-Length: 9001"), "lost"},
		{"truncated chunks", reply("200 OK", "5\r\nabcde\r\n", "Content-Type: "+soapType, "Transfer-Encoding: chunked"), "lost"},
		{"as long as allowed", soap("200 OK", big[1:]), "reply 200"},
		{"too long", soap("200 OK", big), "limit body"},
		{"too long by its root", reply("200 OK", envelope+big, "Content-Length: "+itoa(len(envelope+big))), "limit body"},
		{"too long until the end", reply("200 OK", big, "Content-Type: "+soapType), "limit body"},
		{"too long in chunks", reply("200 OK", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(big), big), "Content-Type: "+soapType, "Transfer-Encoding: chunked"), "limit body"},
		{"length of exabytes", reply("200 OK", "", "Content-Type: "+soapType, "Content-Length: 9223372036854775807"), "limit body"},
		{"length no number", reply("200 OK", "", "Content-Length: -1"), "protocol"},
		{"two lengths", reply("200 OK", "", "Content-Length: 1", "Content-Length: 2"), "protocol"},
		{"chunk of no length", reply("200 OK", "xyz\r\n", "Content-Type: "+soapType, "Transfer-Encoding: chunked"), "protocol"},
		{"chunk of no length far in", reply("200 OK", "ffd0\r\n"+big[:0xffd0]+"\r\nxyz\r\n", "Content-Type: "+soapType, "Transfer-Encoding: chunked"), "protocol"},
		{"long trailer", reply("200 OK", "0\r\nX: "+big, "Content-Type: "+soapType, "Transfer-Encoding: chunked"), "protocol"},
		{"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "protocol"},
		{"status no number", "HTTP/1.1 abc\r\n\r\n", "protocol"},
		{"header no header", "HTTP/1.1 200 OK\r\nabc\r\n\r\n", "protocol"},
		{"huge header", "HTTP/1.1 200 OK\r\nX: " + big + big, "limit header"},
		{"many headers", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 100000), "limit header"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := listen(t, answer(tt.answer))
			cfg := inClear(p.addr())
			cfg.MaxReplySize = size
			r, err := send(t.Context(), newTransport(t, cfg))
			if got := kind(r, err); got != tt.want {
				t.Errorf("RoundTrip = %s (%v), want %s", got, err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("error %v shows the password", err)
			}
			if p.connections() != 1 {
				t.Errorf("%d connections, want 1", p.connections())
			}
		})
	}
}

// TestEndless: an answer of 300 MB without a length costs no more than the limit.
func TestEndless(t *testing.T) {
	sent := make(chan int, 1)
	p := listen(t, func(c net.Conn) {
		answer(reply("200 OK", "", "Content-Type: "+soapType, "Transfer-Encoding: chunked"))(c)
		chunk := fmt.Appendf(nil, "%x\r\n%s\r\n", 1<<20, strings.Repeat("x", 1<<20))
		n := 0
		for ; n < 300; n++ {
			if _, err := c.Write(chunk); err != nil {
				break
			}
		}
		sent <- n
	})
	r, err := send(t.Context(), newTransport(t, inClear(p.addr())))
	if got := kind(r, err); got != "limit body" {
		t.Fatalf("RoundTrip = %s (%v)", got, err)
	}
	if n := <-sent; n > 100 {
		t.Errorf("the peer got rid of %d MiB", n)
	}
}

// TestNotWaitedFor: what the header, or the beginning of the body, tells is told at once.
func TestNotWaitedFor(t *testing.T) {
	const length = "Content-Length: 300000000"
	for _, tt := range []struct {
		name, answer string
		want         error
	}{
		{
			"too long by its type", reply("200 OK", "", "Content-Type: "+soapType, length),
			&transport.LimitError{What: "body", Limit: 2 << 20, Size: 300000000},
		},
		{
			"too long by its root", reply("200 OK", envelope+strings.Repeat(" ", 5000), length),
			&transport.LimitError{What: "body", Limit: 2 << 20, Size: 300000000},
		},
		{
			"page", reply("200 OK", strings.Repeat("x", 4096), length),
			&wsman.HTTPError{StatusCode: 200, Tried: "Basic", Body: []byte(strings.Repeat("x", 4096))},
		},
		{
			"101", reply("101 Switching Protocols", "", "Upgrade: x", "Connection: upgrade"),
			&wsman.HTTPError{StatusCode: 101, Tried: "Basic"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := listen(t, then(tt.answer, silent))
			_, err := send(t.Context(), newTransport(t, inClear(p.addr())))
			if d := cmp.Diff(tt.want, err); d != "" {
				t.Errorf("error (-want +got):\n%s", d)
			}
		})
	}
}

// TestSmallLimit: a limit below what is read to see what an answer is holds all the same; the largest one does not overflow.
func TestSmallLimit(t *testing.T) {
	for _, tt := range []struct {
		limit int64
		body  int
		want  string
	}{
		{10, 10, "reply 200"},
		{10, 11, "limit body"},
		{10, 5000, "limit body"},
		{math.MaxInt64, 5000, "reply 200"},
	} {
		body := strings.Repeat("x", tt.body)
		p := listen(t, answer(reply("200 OK", body, "Content-Type: "+soapType)))
		cfg := inClear(p.addr())
		cfg.MaxReplySize = tt.limit
		r, err := send(t.Context(), newTransport(t, cfg))
		if kind(r, err) != tt.want || err == nil && string(r.Body) != body {
			t.Errorf("limit %d, body %d: RoundTrip = %s (%v), want %s", tt.limit, tt.body, kind(r, err), err, tt.want)
		}
	}
}

// TestSecondAnswer: what came before on a connection does not count against an answer.
func TestSecondAnswer(t *testing.T) {
	p := listen(t, answer(soap("200 OK", strings.Repeat("x", 100000)), "SSH-2.0\r\n\r\n"))
	tr := newTransport(t, inClear(p.addr()))
	for _, want := range []string{"reply 200", "protocol"} {
		if r, err := send(t.Context(), tr); kind(r, err) != want {
			t.Errorf("RoundTrip = %s (%v), want %s", kind(r, err), err, want)
		}
	}
}

// A corked connection keeps what is written until it is closed.
type corked struct {
	net.Conn
	on   bool
	held []byte
}

func (c *corked) Write(p []byte) (int, error) {
	if !c.on {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

func (c *corked) Close() error {
	c.on = false
	err := c.SetWriteDeadline(time.Time{}) // package tls sets one that is past
	_, werr := c.Write(c.held)
	return errors.Join(err, werr, c.Conn.Close())
}

// TestEndWithData: TLS may tell the end of the connection together with the last data. Both count.
func TestEndWithData(t *testing.T) {
	ca := newAuthority(t, "ca")
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "hv01.example")}}
	for _, tt := range []struct{ answer, want string }{
		{soap("200 OK", envelope), "reply 200"},
		{reply("200 OK", envelope, "Content-Type: "+soapType), "reply 200"},
		{"SSH-2.0\r\n\r\n", "protocol"},
		{reply("200 OK", "x", "Content-Length: 2"), "lost"},
	} {
		p := listen(t, func(c net.Conn) {
			cork := &corked{Conn: c}
			overTLS(cfg, func(c net.Conn) {
				cork.on = true
				answer(tt.answer)(c)
			})(cork)
		})
		if r, err := send(t.Context(), newTransport(t, overTCP(p, ca))); kind(r, err) != tt.want {
			t.Errorf("%q: RoundTrip = %s (%v), want %s", tt.answer, kind(r, err), err, tt.want)
		}
	}
}

func TestHTTPError(t *testing.T) {
	page := strings.Repeat("<p>", 4000)
	for _, tt := range []struct {
		name, answer string
		want         *wsman.HTTPError
	}{
		{
			"401 with challenges",
			reply("401 Unauthorized", "", `WWW-Authenticate: Negotiate, Basic realm="a, b", charset="UTF-8"`, "WWW-Authenticate: Kerberos", "Content-Length: 0"),
			&wsman.HTTPError{StatusCode: 401, Challenges: []string{"Negotiate", "Basic", "Kerberos"}, Tried: "Basic"},
		},
		{
			"407 without a proxy",
			reply("407 X", "", `Proxy-Authenticate: Basic realm="x"`, "WWW-Authenticate: Kerberos", "Content-Length: 0"),
			&wsman.HTTPError{StatusCode: 407, Challenges: []string{"Basic"}, Tried: "Basic"},
		},
		{
			"redirect",
			reply("301 X", "", "Location: http://elsewhere/", "Content-Length: 0"),
			&wsman.HTTPError{StatusCode: 301, Location: "http://elsewhere/", Tried: "Basic"},
		},
		{
			"page",
			reply("404 X", page, "Content-Type: text/html", "Content-Length: "+itoa(len(page)), "Location: /", "WWW-Authenticate: Basic"),
			&wsman.HTTPError{StatusCode: 404, ContentType: "text/html", Tried: "Basic", Body: []byte(page[:4096])},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := listen(t, answer(tt.answer))
			_, err := send(t.Context(), newTransport(t, inClear(p.addr())))
			got, _ := errors.AsType[*wsman.HTTPError](err)
			if got != nil && len(got.Body) == 0 {
				got.Body = nil
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("HTTPError (-want +got):\n%s", d)
			}
		})
	}
}
