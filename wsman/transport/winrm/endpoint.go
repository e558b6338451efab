package winrm

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/masterzen/winrm"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// WinRM's own ports.
const (
	portHTTP  = 5985
	portHTTPS = 5986
)

// FromEndpoint returns the configuration that ep and params describe. params may be nil. It never returns less protection than
// they ask for: settings that contradict each other are an error.
//
//   - Host, Port and HTTPS become URL. Port 0 is 5985 or 5986.
//   - CACert, TLSServerName and Insecure become RootCAs, ServerName and Insecure.
//   - Cert and Key, in PEM, become ClientCertificate, and Auth is then AuthCertificate. Otherwise Auth is left to the caller,
//     with User and Password, since an Endpoint carries no user.
//   - Timeout becomes ConnectTimeout. The wait for an answer, which it bounds in masterzen/winrm, is bounded by a context here.
//   - Dial becomes DialContext. As it takes no context, one that ends leaves it running; what it returns then is closed.
//
// Not carried: Parameters.Timeout, Locale and EnvelopeSize, which belong to a [wsman.Config]; and TransportDecorator, which names a
// transport that this package replaces.
//
// [wsman.Config]: https://pkg.go.dev/github.com/hvmigerr/hvmigerr/wsman#Config
func FromEndpoint(ep *winrm.Endpoint, params *winrm.Parameters) (transport.Config, error) {
	if ep == nil {
		return transport.Config{}, errors.New("winrm: no endpoint")
	}
	cfg := transport.Config{
		ServerName:     ep.TLSServerName,
		Insecure:       ep.Insecure,
		ConnectTimeout: ep.Timeout,
	}
	if !ep.HTTPS && (len(ep.CACert) > 0 || len(ep.Cert) > 0 || len(ep.Key) > 0 || ep.TLSServerName != "") {
		return transport.Config{}, errors.New("winrm: the endpoint has certificates or a TLS name, but not HTTPS")
	}
	if ep.Timeout < 0 {
		return transport.Config{}, fmt.Errorf("winrm: timeout %v is negative", ep.Timeout)
	}
	var err error
	if cfg.URL, err = endpointURL(ep); err != nil {
		return transport.Config{}, err
	}
	if err := certificates(&cfg, ep); err != nil {
		return transport.Config{}, err
	}
	if params != nil && params.Dial != nil {
		cfg.DialContext = withContext(params.Dial)
	}
	return cfg, nil
}

// endpointURL returns the URL of ep. masterzen/winrm pastes Host into it as it is, so that an IPv6 address came in brackets.
func endpointURL(ep *winrm.Endpoint) (string, error) {
	scheme, port := "http", portHTTP
	if ep.HTTPS {
		scheme, port = "https", portHTTPS
	}
	if ep.Port != 0 {
		port = ep.Port
	}
	if port < 0 || port > 65535 {
		return "", fmt.Errorf("winrm: port %d is not between 1 and 65535", port)
	}
	host := ep.Host
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	s := (&url.URL{Scheme: scheme, Host: net.JoinHostPort(host, strconv.Itoa(port)), Path: "/wsman"}).String()
	u, err := url.Parse(s)
	if err != nil || u.Hostname() != host || host == "" || u.Path != "/wsman" {
		return "", fmt.Errorf("winrm: %q is not a host", ep.Host)
	}
	return s, nil
}

// certificates sets what cfg takes from the PEM fields of ep.
func certificates(cfg *transport.Config, ep *winrm.Endpoint) error {
	if len(ep.CACert) > 0 {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(ep.CACert) {
			return errors.New("winrm: CACert holds no certificate in PEM")
		}
	}
	if len(ep.Cert) == 0 && len(ep.Key) == 0 {
		return nil
	}
	pair, err := tls.X509KeyPair(ep.Cert, ep.Key)
	if err != nil {
		return fmt.Errorf("winrm: Cert and Key: %w", err)
	}
	cfg.ClientCertificate, cfg.Auth = &pair, transport.AuthCertificate
	return nil
}

// withContext makes dial end, for its caller, when the context does.
func withContext(dial func(network, addr string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		done := make(chan result)
		go func() {
			c, err := dial(network, addr)
			select {
			case done <- result{c, err}:
			case <-ctx.Done():
				if err == nil {
					_ = c.Close()
				}
			}
		}()
		select {
		case r := <-done:
			return r.conn, r.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
