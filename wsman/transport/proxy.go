package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
	"golang.org/x/net/proxy"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// A Proxy says how connections leave: through one proxy, through none, or, which is the zero value, as HTTPS_PROXY, HTTP_PROXY
// and NO_PROXY say.
type Proxy struct {
	none bool
	url  *url.URL // nil: none or the environment's
}

// ParseProxy reads "none" or the URL of a proxy: http, https, socks5 or socks5h, with user and password if need be. A proxy resolves the
// host's name itself, with socks5 too. No error repeats s: it may hold a password.
func ParseProxy(s string) (Proxy, error) {
	if s == "none" {
		return Proxy{none: true}, nil
	}
	u, err := url.Parse(s)
	if err != nil || checkProxy(u) != nil {
		return Proxy{}, fmt.Errorf("proxy: %w", errNoProxy)
	}
	return Proxy{url: u}, nil
}

// String returns the form that ParseProxy reads, but for the password; "environment" for the zero value.
func (p Proxy) String() string {
	switch {
	case p.none:
		return "none"
	case p.url == nil:
		return "environment"
	}
	return p.url.Redacted()
}

// User returns the user and the password that the proxy is told; none of the environment's, which Transport.Proxy knows.
func (p Proxy) User() (string, Secret) {
	if p.url == nil {
		return "", Secret{}
	}
	password, _ := p.url.User.Password()
	return p.url.User.Username(), NewSecret(password)
}

var errNoProxy = errors.New("neither none nor [http|https|socks5|socks5h]://[USER:PASSWORD@]HOST[:PORT]")

func checkProxy(u *url.URL) error {
	if u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return errNoProxy
	}
	if _, err := url.Parse(u.Redacted()); err != nil {
		return errNoProxy // it cannot be written as a URL again, such as a zone that is not ASCII
	}
	switch u.Scheme {
	case "http", "https":
		return nil
	case "socks5", "socks5h":
		// RFC 1929 gives each one byte of length; an empty user name cannot be sent.
		password, _ := u.User.Password()
		if u.User != nil && (u.User.Username() == "" || len(u.User.Username()) > 255 || password == "" || len(password) > 255) {
			return errNoProxy
		}
		return nil
	}
	return errNoProxy
}

// forURL returns the proxy for requests to u, or nil.
func (p Proxy) forURL(u *url.URL) (*url.URL, error) {
	if p.none || p.url != nil {
		return p.url, nil
	}
	found, err := httpproxy.FromEnvironment().ProxyFunc()(u)
	if err != nil || found == nil {
		return nil, err
	}
	if err := checkProxy(found); err != nil {
		return nil, fmt.Errorf("transport: the proxy in the environment: %w", err)
	}
	return found, nil
}

// Proxy returns the proxy that is used and reports whether there is one.
func (t *Transport) Proxy() (p Proxy, used bool) {
	return Proxy{none: t.proxy == nil, url: t.proxy}, t.proxy != nil
}

// triedByProxy names the scheme that the proxy's user is authenticated with, or "".
func triedByProxy(u *url.URL) string {
	if u.User == nil {
		return ""
	}
	return "Basic"
}

// forwarded tells that an HTTP proxy passes on each request, rather than the connection.
func (t *Transport) forwarded() bool {
	return t.proxy != nil && t.url.Scheme == "http" && !strings.HasPrefix(t.proxy.Scheme, "socks")
}

// throughProxy opens a connection to the host by way of the proxy; to the proxy itself when that forwards requests.
func (t *Transport) throughProxy(ctx context.Context) (net.Conn, error) {
	if strings.HasPrefix(t.proxy.Scheme, "socks") {
		return t.throughSOCKS(ctx)
	}
	c, err := t.cfg.DialContext(ctx, "tcp", hostPort(t.proxy))
	if err != nil {
		return nil, err
	}
	if t.proxy.Scheme == "https" {
		c, err = handshake(ctx, c, &tls.Config{
			MinVersion: tls.VersionTLS12,
			RootCAs:    t.cfg.RootCAs,
			ServerName: t.proxy.Hostname(),
		})
		if err != nil {
			if e, ok := errors.AsType[*CertificateError](err); ok {
				e.Proxy = true
			}
			return nil, err
		}
	}
	if t.forwarded() {
		return c, nil
	}
	if err := during(ctx, c, func() error { return t.tunnel(ctx, c) }); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// tunnel asks the proxy at the other end of c for a connection to the host (RFC 9110 §9.3.6).
func (t *Transport) tunnel(ctx context.Context, c net.Conn) error {
	req := (&http.Request{
		Method: http.MethodConnect,
		URL:    &url.URL{Opaque: t.hostPort()},
		Host:   t.hostPort(),
		Header: http.Header{"User-Agent": {"hvmigerr"}},
	}).WithContext(ctx)
	if user := t.proxy.User; user != nil {
		password, _ := user.Password()
		req.Header.Set("Proxy-Authorization", basicCredentials(user.Username(), password))
	}
	if err := req.Write(c); err != nil {
		return err
	}
	r := bufio.NewReader(io.LimitReader(c, maxHeaderBytes))
	resp, err := http.ReadResponse(r, req) //nolint:bodyclose // it has none after a success; closing a refusal's would wait for its end
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return newHTTPError(resp, nil, triedByProxy(t.proxy))
	}
	if r.Buffered() > 0 {
		return &wsman.ProtocolError{Msg: "the proxy sends before the host was asked anything"}
	}
	return nil
}

// throughSOCKS opens a connection by way of a SOCKS5 proxy.
func (t *Transport) throughSOCKS(ctx context.Context) (net.Conn, error) {
	var auth *proxy.Auth
	if user := t.proxy.User; user != nil {
		password, _ := user.Password()
		auth = &proxy.Auth{User: user.Username(), Password: password}
	}
	d, err := proxy.SOCKS5("tcp", hostPort(t.proxy), auth, dialer(t.cfg.DialContext))
	if err != nil {
		return nil, err
	}
	cd, ok := d.(proxy.ContextDialer)
	if !ok {
		return nil, errors.New("the SOCKS5 dialer takes no context")
	}
	return cd.DialContext(ctx, "tcp", t.hostPort())
}

// dialer makes a function a proxy.Dialer and proxy.ContextDialer.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// Dial implements proxy.Dialer. SOCKS5 asks for one, and uses DialContext where there is that.
func (d dialer) Dial(network, addr string) (net.Conn, error) {
	return d(context.Background(), network, addr)
}

// DialContext implements proxy.ContextDialer.
func (d dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return d(ctx, network, addr)
}
