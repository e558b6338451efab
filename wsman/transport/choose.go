package transport

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

// AuthFacts are what a way of authentication is chosen by. The zero value names no user and no credentials.
type AuthFacts struct {
	// Host is the name or address as the operator typed it, without a port.
	Host string
	// User is the name as typed: DOMAIN\user, .\user, user@REALM or user.
	User string
	// ClientCertificate tells that there is one.
	ClientCertificate bool
	// CCache, Keytab and KDCs are what the operator named, and as it was named. If empty, the defaults of Kerberos are looked at.
	CCache, Keytab string
	KDCs           []string
	// PasswordGiven tells that the operator named a password for this. Tickets of the default cache are not looked at then.
	PasswordGiven bool
	// ConfPath is the krb5.conf to read. If empty, each file of $KRB5_CONFIG, else /etc/krb5.conf.
	ConfPath string
	// Clock returns the time. If nil, time.Now.
	Clock func() time.Time
}

// A Choice is a way of authentication and where its credentials come from.
type Choice struct {
	Auth Auth
	// Mechanism is what authenticates: one of the Mechanism constants, or "certificate".
	Mechanism string
	// Reason is the fact that has decided, as a clause to put in brackets: hv01 is an IP address.
	Reason string
	// CCache and Keytab are the paths of the ticket cache or the keytab that the user's credentials are in, if they are in one.
	CCache, Keytab string
	// Password tells that a password is needed.
	Password bool
	// NoTicket says why no ticket serves, when Password is true and one was looked for: a [*CredentialError], nil otherwise.
	NoTicket error
}

// mechanismCertificate is the Mechanism of AuthCertificate.
const mechanismCertificate = "certificate"

// Choose chooses how to authenticate, from local facts alone: it sends nothing, and nothing that a host says later may change the choice.
// The first that holds decides:
//
//  1. a client certificate: AuthCertificate
//  2. a ticket cache, a keytab or a KDC was named: Kerberos
//  3. DOMAIN\user or .\user: NTLM
//  4. a user, and the host is an IP address: NTLM
//  5. no password was named, and a ticket-granting ticket of the user, or of anybody if no user is named, in the default ticket
//     cache: Kerberos
//  6. user@REALM, and krb5.conf names a KDC of REALM: Kerberos by password
//  7. a user: NTLM
//
// Kerberos is AuthNegotiate, as Windows clients do it, and NTLM is AuthNTLM; it is never AuthBasic. An error holds a [*CredentialError]:
// what was named cannot be used, krb5.conf cannot be read, or there is neither a user nor a ticket.
func Choose(f *AuthFacts) (*Choice, error) {
	if f.ClientCertificate {
		return &Choice{Auth: AuthCertificate, Mechanism: mechanismCertificate, Reason: "a client certificate is given"}, nil
	}
	return f.choose(AuthNTLM)
}

// ChooseMechanism chooses between Kerberos and NTLM for AuthNegotiate, as Choose does, and where the credentials come from for
// AuthNegotiate and AuthKerberos. Kerberos that was asked for is chosen even if no KDC is known yet.
func ChooseMechanism(f *AuthFacts, auth Auth) (*Choice, error) {
	switch auth {
	case AuthNegotiate:
		return f.choose(AuthNegotiate)
	case AuthKerberos:
		return f.kerberos(AuthKerberos)
	default:
		return nil, fmt.Errorf("transport: there is no mechanism to choose for %q", auth)
	}
}

// choose is steps 2 to 7 of Choose. NTLM, if it comes to that, goes by the name of ntlm.
func (f *AuthFacts) choose(ntlm Auth) (*Choice, error) {
	c := &Choice{Auth: ntlm, Mechanism: MechanismNTLM, Password: true}
	domain, _, windows := strings.Cut(f.User, `\`)
	_, notAddress := netip.ParseAddr(f.Host)
	switch {
	case f.CCache != "" || f.Keytab != "" || len(f.KDCs) > 0:
		return f.kerberos(AuthNegotiate)
	case windows && domain == ".":
		c.Reason = printable(f.User) + " is an account of the host itself"
	case windows:
		c.Reason = printable(f.User) + " names a Windows domain"
	case f.User != "" && notAddress == nil:
		c.Reason = printable(f.Host) + " is an IP address"
	}
	if c.Reason != "" {
		return c, nil
	}
	return f.byTicketOrRealm(c)
}

// byTicketOrRealm is steps 5 to 7 of Choose; ntlm is the choice of the last.
func (f *AuthFacts) byTicketOrRealm(ntlm *Choice) (*Choice, error) {
	conf, err := readKrb5Conf(f.ConfPath)
	if err != nil {
		return nil, err
	}
	c, noTicket := f.byTicket(AuthNegotiate, "", conf)
	if noTicket == nil {
		return c, nil
	}
	ntlm.NoTicket = looked(noTicket)
	if f.User == "" {
		return nil, fmt.Errorf("no user is named, and no ticket can be used: %w", noTicket)
	}
	_, realm := splitPrincipal(f.User)
	where := printable(krb5ConfName(f.ConfPath))
	switch {
	case realm == "":
		ntlm.Reason = clause(noTicket) + ", and " + printable(f.User) + " names no realm"
	case len(conf.KDCs[realm]) == 0:
		ntlm.Reason = fmt.Sprintf("%s, and %s names no KDC of %s", clause(noTicket), where, printable(realm))
	default:
		return &Choice{
			Auth: AuthNegotiate, Mechanism: MechanismKerberos, Password: true, NoTicket: ntlm.NoTicket,
			Reason: fmt.Sprintf("%s names a KDC of %s; %s", where, printable(realm), clause(noTicket)),
		}, nil
	}
	return ntlm, nil
}

// errPasswordGiven is why no ticket was looked for.
var errPasswordGiven = errors.New("a password is given")

// looked returns why no ticket serves, nil if none was looked for.
func looked(noTicket error) error {
	if errors.Is(noTicket, errPasswordGiven) {
		return nil
	}
	return noTicket
}

// clause returns why there is no ticket, to be told among other things.
func clause(err error) string {
	e, ok := errors.AsType[*CredentialError](err)
	switch {
	case !ok:
		return err.Error()
	case errors.Is(e.Err, fs.ErrNotExist):
		return "no ticket in " + printable(e.Source)
	}
	return printable(e.Source) + ": " + e.Err.Error()
}

// kerberos decides where the credentials come from when it is to be Kerberos: what was named, else a ticket of the user, else
// the user's password.
func (f *AuthFacts) kerberos(auth Auth) (*Choice, error) {
	switch {
	case f.Keytab != "" && f.CCache != "":
		return nil, &CredentialError{Source: f.Keytab, Err: errors.New("a keytab and a ticket cache exclude each other")}
	case f.Keytab != "":
		return &Choice{Auth: auth, Mechanism: MechanismKerberos, Keytab: f.Keytab, Reason: "a keytab is given"}, nil
	}
	conf, err := readKrb5Conf(f.ConfPath)
	if err != nil {
		return nil, err
	}
	c, noTicket := f.byTicket(auth, f.CCache, conf)
	_, realm := splitPrincipal(f.User)
	switch {
	case noTicket == nil:
		return c, nil
	case f.CCache != "":
		return nil, noTicket
	case f.User == "":
		return nil, fmt.Errorf("no user is named, and no ticket can be used: %w", noTicket)
	case realm == "" && conf.DefaultRealm == "" && !strings.Contains(f.User, `\`):
		return nil, &CredentialError{
			Source: krb5ConfName(f.ConfPath),
			Err:    fmt.Errorf("there is no default_realm, and %s names no realm", printable(f.User)), NoRealm: true,
		}
	}
	// A name with a backslash is refused where it is used: that is not a matter of the choice.
	reason := clause(noTicket)
	if len(f.KDCs) > 0 {
		reason = "a KDC is given; " + reason
	}
	return &Choice{Auth: auth, Mechanism: MechanismKerberos, Password: true, Reason: reason, NoTicket: looked(noTicket)}, nil
}

// byTicket returns the choice of the ticket cache of that name, or why it cannot be. The default cache, which has no name, must hold a
// ticket-granting ticket; one that was named may do with tickets for services.
func (f *AuthFacts) byTicket(auth Auth, name string, conf *krb5.Conf) (*Choice, error) {
	if name == "" && f.PasswordGiven {
		return nil, errPasswordGiven
	}
	path, err := ccachePath(name, conf, f.User)
	if err != nil {
		return nil, err
	}
	cache, err := readCCache(path)
	if err != nil {
		if e, ok := errors.AsType[*CredentialError](err); ok && e.Fix != "" {
			e.Fix = kinitLine(path, f.User)
		}
		return nil, err
	}
	holder := printable(cache.Principal.String())
	if f.User != "" && !isUser(cache.Principal, f.User) {
		return nil, &CredentialError{Source: path, Err: fmt.Errorf("it holds tickets of %s, not of %s", holder, printable(f.User))}
	}
	now := time.Now()
	if f.Clock != nil {
		now = f.Clock()
	}
	ticket := cache.TGT(now)
	if name != "" && !usable(ticket, now) {
		ticket = lasting(cache, now)
	}
	if !usable(ticket, now) {
		return nil, unusableTicket(path, ticket, now)
	}
	return &Choice{
		Auth: auth, Mechanism: MechanismKerberos, CCache: path,
		Reason: fmt.Sprintf("%s holds a ticket of %s", printable(path), holder),
	}, nil
}

// lasting returns a ticket that is usable at now, else any, else nil.
func lasting(c *krb5.CCache, now time.Time) *krb5.Credential {
	var last *krb5.Credential
	for _, ticket := range c.Credentials {
		if usable(ticket, now) {
			return ticket
		}
		last = ticket
	}
	return last
}
