package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"time"
)

// Values of [ConnectError.Stage], in the order of a connection's making.
const (
	StageResolve = "resolve" // the name of the host, by DNS
	StageConnect = "connect" // TCP to the host
	StageProxy   = "proxy"   // all up to a way through the proxy
	StageTLS     = "tls"     // the handshake with the host
	StageAnswer  = "answer"  // of Transport.Probe alone: the peer has ended the connection before it had answered
)

// A ConnectError says that the host was not reached. Nothing of the request was sent; at StageAnswer
// that was a probe, which holds nothing. The end of the caller's context is none.
type ConnectError struct {
	// Stage is how far the connection came, one of the Stage constants.
	Stage string
	// Addr is the host and port that the stage was about: the proxy's for StageProxy.
	Addr string
	Err  error
}

func (e *ConnectError) Error() string { return stageText(e.Stage, e.Addr) + ": " + e.Err.Error() }

func (e *ConnectError) Unwrap() error { return e.Err }

// Alert reports whether the peer refused by a TLS alert, so that what listens there does speak TLS.
func (e *ConnectError) Alert() bool { return isAlert(e.Err) }

func stageText(stage, addr string) string {
	switch stage {
	case StageConnect:
		return "connect to " + addr
	case StageTLS:
		return "TLS with " + addr
	case StageAnswer:
		return "answer of " + addr
	}
	return stage + " " + addr
}

// A securing makes a connection to the host, over which nothing went yet, one of TLS, and closes it when that fails.
type securing func(ctx context.Context, c net.Conn) (net.Conn, error)

// secure returns the securing of requests.
func (t *Transport) secure(anonymous bool) securing {
	return func(ctx context.Context, c net.Conn) (net.Conn, error) {
		return handshake(ctx, c, t.tlsConfig(anonymous))
	}
}

// dial opens a connection to the host, ready for HTTP; over https it is secured.
func (t *Transport) dial(ctx context.Context, secure securing) (*conn, error) {
	limited, cancel := context.WithTimeout(ctx, t.cfg.ConnectTimeout)
	defer cancel()
	ours := endsWithin(ctx, t.cfg.ConnectTimeout)
	c, failed := t.connect(limited, secure)
	if failed == nil {
		return &conn{Conn: c, tls: t.url.Scheme == "https"}, nil
	}
	switch {
	case ended(ctx) != nil:
		return nil, fmt.Errorf("%s: %w", stageText(failed.Stage, failed.Addr), ended(ctx))
	case ours && timedOut(failed.Err):
		return nil, fmt.Errorf("%s: %w", stageText(failed.Stage, failed.Addr), context.DeadlineExceeded)
	case ended(limited) != nil:
		failed.Err = fmt.Errorf("not done within %v, the limit for all of the connecting", t.cfg.ConnectTimeout)
	case errors.Is(failed.Err, context.DeadlineExceeded):
		// Package net marks its own time-outs so. To our caller that would say that its context ended.
		failed.Err = errors.New(failed.Err.Error())
	}
	return nil, failed
}

// endsWithin tells that ctx has a deadline, which comes before d from now has passed. What times out within d is its doing: package net
// has timers of its own for a deadline, which go off a little before it, and before that of ctx.
func endsWithin(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= d
}

// timedOut tells an error of package net's timers. The kernel's own time-outs are others.
func timedOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// ended returns the error of ctx, whose own timer may be late.
func ended(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// connect takes the stages of dial.
func (t *Transport) connect(ctx context.Context, secure securing) (net.Conn, *ConnectError) {
	c, failed := t.route(ctx)
	if failed != nil || t.url.Scheme != "https" {
		return c, failed
	}
	secured, err := secure(ctx, c)
	if err != nil {
		return nil, &ConnectError{Stage: StageTLS, Addr: t.hostPort(), Err: err}
	}
	return secured, nil
}

// route opens a TCP connection to the host, or to what forwards to it.
func (t *Transport) route(ctx context.Context) (net.Conn, *ConnectError) {
	if t.proxy != nil {
		c, err := t.throughProxy(ctx)
		if err != nil {
			return nil, &ConnectError{Stage: StageProxy, Addr: hostPort(t.proxy), Err: err}
		}
		return c, nil
	}
	c, err := t.cfg.DialContext(ctx, "tcp", t.hostPort())
	if err != nil {
		stage := StageConnect
		if _, ok := errors.AsType[*net.DNSError](err); ok {
			stage = StageResolve
		}
		return nil, &ConnectError{Stage: stage, Addr: t.hostPort(), Err: err}
	}
	return c, nil
}

// hostPort returns the host and port of the endpoint.
func (t *Transport) hostPort() string { return hostPort(t.url) }

// hostPort returns the host and port that u means, be it an endpoint's or a proxy's.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// handshake starts TLS on c, and closes c when that fails.
func handshake(ctx context.Context, c net.Conn, cfg *tls.Config) (net.Conn, error) {
	secured := tls.Client(c, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, tlsError(err, cfg.ServerName)
	}
	return secured, nil
}

// during runs f, which uses c, and interrupts it when ctx ends.
func during(ctx context.Context, c net.Conn, f func() error) error {
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	err := f()
	if !stop() {
		return ctx.Err()
	}
	return err
}

// isAlert reports whether err is a TLS alert from the peer. Package tls exports no type for it.
func isAlert(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "remote error"
}

// tlsError says what err of a handshake with host means.
func tlsError(err error, host string) error {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(e.UnverifiedCertificates) > 0 {
		return newCertificateError(host, e.UnverifiedCertificates[0], e.Err)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Errorf("the port answers, but not with TLS; is it http? (%w)", err)
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the peer closed the connection in the middle of the handshake (%w)", err)
	}
	return err
}
