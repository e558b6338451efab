// Internal: a reader that is not there is not to be had from net/http.

package transport

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A halfConn can be read and not written.
type halfConn struct {
	net.Conn
	r io.Reader
}

func (c *halfConn) Read(b []byte) (int, error)      { return c.r.Read(b) }
func (c *halfConn) Write([]byte) (int, error)       { return 0, syscall.ECONNRESET }
func (c *halfConn) SetReadDeadline(time.Time) error { return nil }

// TestHearOut: what is read in search of an alert, and is none, is there for who reads next; only the first words are looked for, and those over TLS.
func TestHearOut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		tls, heard bool
		ahead      string
	}{
		{"first words", true, false, "HTTP/1.1 400 Bad Request"},
		{"in clear", false, false, ""},
		{"later", true, true, ""},
	} {
		c := &conn{Conn: &halfConn{r: strings.NewReader("HTTP/1.1 400 Bad Request")}, tls: tt.tls, heard: tt.heard}
		if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) || string(c.ahead) != tt.ahead {
			t.Errorf("%s: Write = %v, then %q, want %q", tt.name, err, c.ahead, tt.ahead)
		}
		var b strings.Builder
		if _, err := io.CopyBuffer(&b, struct{ io.Reader }{c}, make([]byte, 5)); err != nil || b.String() != "HTTP/1.1 400 Bad Request" {
			t.Errorf("%s: read %q (%v), want all of it", tt.name, b.String(), err)
		}
		if !errors.Is(c.state().broken, syscall.ECONNRESET) {
			t.Errorf("%s: broken by %v, want what came first", tt.name, c.state().broken)
		}
	}
}
