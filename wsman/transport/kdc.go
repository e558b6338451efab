package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

const (
	// DefaultKDCTimeout is how long one KDC has for its answer when KerberosConfig.Timeout is zero.
	DefaultKDCTimeout = 5 * time.Second

	kerberosPort = "88"
	// maxKDCAnswer is the longest answer of a KDC, in bytes. One with the largest ticket that Windows makes is shorter.
	maxKDCAnswer = 64 << 10
	// maxKDCs bounds the KDCs of a realm that are tried.
	maxKDCs = 16
	// maxPreauthenticated bounds the KDCs that one login shows the password or key: one whose answer is lost may have counted it as wrong,
	// and a few of those lock the account.
	maxPreauthenticated = 2
)

// A KDCUnreachableError says that no KDC of a realm gave an answer.
type KDCUnreachableError struct {
	Realm string
	// Attempts are the KDCs that were asked, in order. Without any none is known.
	Attempts []KDCAttempt
	// Looked says where KDCs were looked for, when none is known.
	Looked []string
	// NotAsked is how many more there are that were not asked, lest a wrong password be counted by each of them.
	NotAsked int
}

// A KDCAttempt is what became of asking one KDC.
type KDCAttempt struct {
	// Addr is its host and port.
	Addr string
	// After is how long it took.
	After time.Duration
	// Err is why there was no answer; of one that was only connected to, why that was not possible, nil if it was.
	Err error
}

// Error lists the KDCs, what was wrong with each, and after how long.
func (e *KDCUnreachableError) Error() string {
	if len(e.Attempts) == 0 {
		return fmt.Sprintf("no KDC of %s is known; looked in %s", printable(e.Realm), strings.Join(e.Looked, " and "))
	}
	tried := make([]string, 0, len(e.Attempts))
	for _, a := range e.Attempts {
		tried = append(tried, a.String())
	}
	s := fmt.Sprintf("no KDC of %s answered: %s", printable(e.Realm), strings.Join(tried, ", "))
	if e.NotAsked > 0 {
		s += fmt.Sprintf("; %d more were not asked, since each may count a wrong password", e.NotAsked)
	}
	return s
}

// String returns the attempt as it stands in the error's text, such as "dc1:88 (no answer, after 5s)".
func (a KDCAttempt) String() string {
	why := ""
	switch {
	case a.Err == nil:
		why = "reached"
	case errors.Is(a.Err, context.DeadlineExceeded):
		why = "no answer"
	case portState(a.Err) == PortRefused:
		why = "refused"
	case errors.Is(a.Err, io.EOF), errors.Is(a.Err, io.ErrUnexpectedEOF):
		why = "connection closed without an answer"
	default:
		why = a.Err.Error()
	}
	return fmt.Sprintf("%s (%s, after %v)", a.Addr, why, round(a.After))
}

// round leaves what a reader wants of a duration.
func round(d time.Duration) time.Duration {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond)
	case d < time.Minute:
		return d.Round(time.Second / 10)
	}
	return d.Round(time.Second)
}

// A question is what the KDCs of a realm are asked.
type question struct {
	realm string
	msg   []byte
	// most is how many KDCs msg is sent to. Those that cannot be reached do not count.
	most int
	// take takes an answer.
	take func(answer []byte) error
}

// ask sends q to one KDC of the realm after the other, until q accepts an answer. It returns the address of the KDC that answered.
// A refusal, and an answer that the client's key does not fit, are answers: they are returned as they are.
func (k *Kerberos) ask(ctx context.Context, q question) (addr string, err error) {
	addrs, err := k.kdcs(ctx, q.realm)
	if err != nil {
		return "", err
	}
	unreachable := &KDCUnreachableError{Realm: q.realm}
	for i, addr := range addrs {
		if q.most == 0 {
			unreachable.NotAsked = len(addrs) - i
			break
		}
		start := time.Now()
		answer, sent, err := k.exchange(ctx, addr, q.msg)
		if sent {
			q.most--
		}
		if err == nil {
			err = q.take(answer)
		}
		if err == nil || isAnswer(err) {
			k.answered(q.realm, addrs, addr)
			return addr, err
		}
		unreachable.Attempts = append(unreachable.Attempts, KDCAttempt{Addr: addr, After: time.Since(start), Err: err})
		switch why := ended(ctx); {
		case errors.Is(why, context.DeadlineExceeded):
			return "", fmt.Errorf("%w: %w", unreachable, why) // what took the time
		case why != nil:
			return "", fmt.Errorf("waiting for the KDC %s: %w", addr, why)
		}
	}
	k.answered(q.realm, nil, "")
	return "", unreachable
}

// isAnswer tells that a KDC has said no, and another would say it too: not so when its service is not available.
func isAnswer(err error) bool {
	e, ok := errors.AsType[*krb5.Error](err)
	return ok && e.Code != krb5.CodeUnavailable || errors.Is(err, krb5.ErrWrongKey)
}

// exchange sends msg to the KDC at addr and returns its answer, and whether the KDC may have read msg. Over TCP both messages have
// their length in front (RFC 4120 §7.2.2).
func (k *Kerberos) exchange(ctx context.Context, addr string, msg []byte) (answer []byte, sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timeout)
	defer cancel()
	c, err := k.connect(ctx, addr)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = c.Close() }()
	err = during(ctx, c, func() error {
		framed := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(msg)), uint32(len(msg))) //nolint:gosec // our own message
		if _, err := c.Write(append(framed, msg...)); err != nil {
			return err
		}
		answer, err = readAnswer(c)
		return err
	})
	return answer, true, err
}

// connect opens a connection to the KDC at addr.
func (k *Kerberos) connect(ctx context.Context, addr string) (net.Conn, error) {
	c, err := k.cfg.DialContext(ctx, "tcp", addr)
	if err != nil && ended(ctx) != nil {
		return nil, ended(ctx)
	}
	return c, err
}

// readAnswer reads a message with its length in front.
func readAnswer(r io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n == 0 || n > maxKDCAnswer {
		return nil, fmt.Errorf("an answer of %d bytes, not between 1 and %d; is it a KDC?", n, maxKDCAnswer)
	}
	answer := make([]byte, n)
	_, err := io.ReadFull(r, answer)
	return answer, err
}

// answered notes which KDC of a realm is to be asked first from now on; none forgets all of them.
func (k *Kerberos) answered(realm string, addrs []string, first string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if addrs == nil {
		delete(k.found, realm)
		return
	}
	others := slices.DeleteFunc(slices.Clone(addrs), func(a string) bool { return a == first })
	k.found[realm] = append([]string{first}, others...)
}

// kdcs returns the addresses of realm's KDCs, that of one which has answered in front.
func (k *Kerberos) kdcs(ctx context.Context, realm string) ([]string, error) {
	k.mu.Lock()
	addrs := k.found[realm]
	k.mu.Unlock()
	if addrs != nil {
		return addrs, nil
	}
	addrs, _, err := k.locate(ctx, realm)
	return addrs, err
}

// Values of [KerberosReport.KDCSource].
const (
	KDCsGiven   = "given"     // KerberosConfig.KDCs
	KDCsOfConf  = "krb5.conf" // its section realms
	KDCsFromDNS = "DNS"       // the SRV records of the realm
)

// locate finds the addresses of realm's KDCs and says where: those of KerberosConfig.KDCs for the user's own realm, else those of
// krb5.conf, else those in DNS.
func (k *Kerberos) locate(ctx context.Context, realm string) (addrs []string, source string, err error) {
	source = KDCsOfConf
	entries, where := k.conf.KDCs[realm], krb5ConfName(k.cfg.ConfPath)
	if realm == k.user.Realm && len(k.cfg.KDCs) > 0 {
		entries, where, source = k.cfg.KDCs, "the KDCs given", KDCsGiven
	}
	for _, entry := range entries {
		if addr := kdcAddr(entry); addr != "" {
			addrs = append(addrs, addr)
		}
	}
	looked := []string{where}
	if len(entries) > 0 && len(addrs) == 0 {
		looked = []string{where + " (which has none for TCP)"}
	}
	if len(entries) == 0 {
		source = KDCsFromDNS
		if addrs, looked, err = k.lookUp(ctx, realm, where); err != nil {
			return nil, "", err
		}
	}
	if len(addrs) == 0 {
		return nil, "", &KDCUnreachableError{Realm: realm, Looked: looked}
	}
	return addrs[:min(len(addrs), maxKDCs)], source, nil
}

// lookUp asks DNS for the KDCs of realm (RFC 4120 §7.2.3.2). The error is that of ctx.
func (k *Kerberos) lookUp(ctx context.Context, realm, where string) (addrs, looked []string, err error) {
	if k.conf.DNSLookupKDC != nil && !*k.conf.DNSLookupKDC {
		return nil, []string{where + " (which forbids to look in DNS)"}, nil
	}
	limited, cancel := context.WithTimeout(ctx, k.cfg.Timeout)
	defer cancel()
	// Without the dot the resolver would ask with its search domains behind the realm, too.
	_, records, err := k.cfg.LookupSRV(limited, "kerberos", "tcp", strings.TrimSuffix(realm, ".")+".")
	why := "none there"
	if err != nil {
		if ended(ctx) != nil {
			return nil, nil, fmt.Errorf("looking for the KDCs of %s in DNS: %w", realm, ended(ctx))
		}
		why = err.Error()
		if e, ok := errors.AsType[*net.DNSError](err); ok {
			why = e.Err
		}
	}
	for _, r := range records {
		// A target that is the root says that there is no such service (RFC 2782).
		if host := strings.TrimSuffix(r.Target, "."); host != "" {
			addrs = append(addrs, net.JoinHostPort(host, fmt.Sprint(r.Port)))
		}
	}
	return addrs, []string{where, fmt.Sprintf("DNS (SRV _kerberos._tcp.%s: %s)", realm, why)}, nil
}

// kdcAddr returns the host and port of a KDC as krb5.conf writes it: HOST, HOST:PORT or [IPV6]:PORT, tcp/ before it or not. It returns ""
// for one that is not reached over TCP, such as udp/HOST or https://PROXY.
func kdcAddr(entry string) string {
	protocol, rest, ok := strings.Cut(entry, "/")
	if ok {
		if !strings.EqualFold(protocol, "tcp") {
			return ""
		}
		entry = rest
	}
	if host, port, err := net.SplitHostPort(entry); err == nil {
		if port == "" {
			port = kerberosPort
		}
		return net.JoinHostPort(host, port)
	}
	host := strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]")
	if host == "" {
		return ""
	}
	return net.JoinHostPort(host, kerberosPort)
}
