package transport_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// BenchmarkOperation is a warm GetErrorEx, 2 KB out and 8 KB in, on loopback. What a way takes longer than "in clear" is the
// price of sealing on both sides of the wire, which both run here.
func BenchmarkOperation(b *testing.B) {
	request := []byte(strings.Repeat("<request/>", 200))
	answer := []byte(`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>` + strings.Repeat("answer ", 1170) + `</s:Body></s:Envelope>`)
	b.Run("in clear", func(b *testing.B) {
		p := listen(b, func(c net.Conn) { converse(c, nil, "", answer) })
		operate(b, newTransport(b, inClear(p.addr())), request)
	})
	for _, w := range ways() {
		b.Run(w.name, func(b *testing.B) {
			accept := w.accept(b)
			p := listen(b, func(c net.Conn) {
				h := &acceptor{t: b, scheme: w.scheme, protocol: w.protocol}
				converse(c, &establishing{acceptor: h, handshake: accept(nil)}, w.protocol, answer)
			})
			operate(b, newTransport(b, w.config(b, p.addr())), request)
		})
	}
}

// operate sends request again and again.
func operate(b *testing.B, tr wsman.Transport, request []byte) {
	b.Helper()
	send := func() {
		if _, err := tr.RoundTrip(b.Context(), &wsman.Request{Body: request}); err != nil {
			b.Fatal(err)
		}
	}
	send() // authenticates
	for b.Loop() {
		send()
	}
}

// establishing is a handshake and the acceptor that takes it.
type establishing struct {
	*acceptor
	handshake sealed.Handshake
}

// converse gives the same answer to every request on c, sealed if e is not nil.
func converse(c net.Conn, e *establishing, protocol sealed.Protocol, answer []byte) {
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		if e == nil {
			say(c, soap("200 OK", string(answer)))
			continue
		}
		if header := req.Header.Get("Authorization"); header != "" {
			say(c, e.authenticate(e.handshake, header, len(body)))
			continue
		}
		context := e.handshake.Context()
		if _, _, err := sealed.Decode(context, req.Header.Get("Content-Type"), body); err != nil {
			e.t.Error(err)
		}
		out, err := sealed.Encode(context, protocol, soapType, answer)
		if err != nil {
			e.t.Error(err)
		}
		say(c, reply("200 OK", string(out), "Content-Type: "+sealed.ContentType(protocol), "Content-Length: "+itoa(len(out))))
	}
}
