package transport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

// A KDCError says that a KDC was reached and gave no ticket.
type KDCError struct {
	// Realm is the KDC's, and Addr its host and port.
	Realm, Addr string
	// User is the principal that the ticket was for.
	User string
	// SPNs are the services that were asked for, in order; none when it was the user who was refused.
	SPNs []string
	// Code is that of the KRB-ERROR (RFC 4120 §7.5.9), such as 24 for a wrong password; zero when the KDC's answer could not be decrypted.
	Code int32
	// Skew is how far the KDC's clock is ahead of ours, for code 37.
	Skew time.Duration

	err error
}

// Refused reports whether it was the password or the key that was refused. It is not sent again.
func (e *KDCError) Refused() bool {
	switch e.Code {
	case 0, krb5.CodePreauthFailed, krb5.CodeBadIntegrity:
		return len(e.SPNs) == 0
	}
	return false
}

// Error says who refused what, and the name of the code.
func (e *KDCError) Error() string {
	s := fmt.Sprintf("the KDC %s of %s %s", e.Addr, printable(e.Realm), e.meaning())
	if e.err == nil { // not one of ours
		return fmt.Sprintf("%s (code %d)", s, e.Code)
	}
	return fmt.Sprintf("%s: %v", s, e.err)
}

// meaning continues a sentence about the KDC.
func (e *KDCError) meaning() string {
	user := printable(e.User)
	switch {
	case e.Code == krb5.CodeSkew && e.Skew > 0:
		return fmt.Sprintf("refused: this machine's clock is %v behind the KDC's", e.Skew.Round(time.Second))
	case e.Code == krb5.CodeSkew:
		return fmt.Sprintf("refused: this machine's clock is %v ahead of the KDC's", (-e.Skew).Round(time.Second))
	case e.Refused():
		return "refused the password or key of " + user
	case len(e.SPNs) > 0:
		return e.aboutService()
	}
	switch e.Code {
	case krb5.CodeAccountExpired:
		return "says that the account " + user + " has expired"
	case krb5.CodePreauthRequired:
		return "wants of " + user + " what is not done here"
	case krb5.CodeClientUnknown:
		return "does not know " + user
	case krb5.CodeClientRevoked:
		return "says that " + user + " is disabled or locked"
	case krb5.CodeKeyExpired:
		return "says that the password of " + user + " has expired"
	case krb5.CodeETypeUnknown:
		return "has no key of AES (encryption types 17 to 20) for " + user
	}
	return "refused " + user
}

func (e *KDCError) aboutService() string {
	services := printable(strings.Join(e.SPNs, ", "))
	switch {
	case e.Code == krb5.CodeETypeUnknown:
		return "has no key of AES (encryption types 17 to 20) for " + services
	case e.Code != krb5.CodeServerUnknown:
		return fmt.Sprintf("refused a ticket for %s to %s", services, printable(e.User))
	case len(e.SPNs) > 1:
		return "knows none of " + services
	}
	return "does not know " + services
}

// failure returns err of asking a KDC as what this package says; spns is empty when the user was to be authenticated.
func (k *Kerberos) failure(realm, addr string, spns []string, err error) error {
	e, refused := errors.AsType[*krb5.Error](err)
	if !refused && !errors.Is(err, krb5.ErrWrongKey) {
		return err
	}
	f := &KDCError{Realm: realm, Addr: addr, User: k.userName, SPNs: spns, err: err}
	if refused {
		f.Code = e.Code
		if e.Code == krb5.CodeSkew && !e.ServerTime.IsZero() {
			f.Skew = e.ServerTime.Sub(k.cfg.Clock())
		}
	}
	return f
}

// firstOf gets a ticket for the first of servers that the KDC knows, and tells tried of each, when that is not nil.
func (k *Kerberos) firstOf(ctx context.Context, servers []krb5.Principal, tried func(krb5.Principal, error)) (*krb5.Credential, error) {
	var unknown []string
	for i, server := range servers {
		c, err := k.ticket(ctx, server)
		if tried != nil {
			tried(server, err)
		}
		e, ok := errors.AsType[*KDCError](err)
		if !ok || e.Code != krb5.CodeServerUnknown || !slices.Equal(e.SPNs, []string{server.Name()}) {
			return c, err
		}
		unknown = append(unknown, server.Name())
		if i == len(servers)-1 {
			all := *e
			all.SPNs = unknown
			return nil, &all
		}
	}
	return nil, errors.New("transport: no service to get a ticket for")
}

// ticket gets a ticket for server. It goes to the realm that the name or krb5.conf says, else asks in the user's, and follows the referrals of
// the KDCs from realm to realm.
func (k *Kerberos) ticket(ctx context.Context, server krb5.Principal) (*krb5.Credential, error) {
	tgt, err := k.once(ctx, "login", func() (*krb5.Credential, error) { return k.login(ctx) })
	if err != nil {
		return nil, err
	}
	want := k.realmOf(server)
	way := []string{k.user.Realm}
	for at := k.user.Realm; ; {
		if at == want {
			want = "" // from here the KDCs say where to go
		}
		var c *krb5.Credential
		var referral bool
		if want != "" {
			c, err = k.cross(ctx, tgt, krb5.TGS(want, at))
			referral = true
		} else {
			c, referral, err = k.grant(ctx, tgt, server)
		}
		destroy(tgt)
		if err != nil || !referral {
			return c, err
		}
		at = c.Server.Components[1]
		if slices.Contains(way, at) || len(way) > maxReferrals {
			destroy(c)
			return nil, fmt.Errorf("the KDCs refer from realm to realm without end: %s", printable(strings.Join(append(way, at), ", ")))
		}
		way = append(way, at)
		tgt = c
	}
}

// realmOf returns the realm that server's name or krb5.conf says, "" if neither does.
func (k *Kerberos) realmOf(server krb5.Principal) string {
	if server.Realm == "" && len(server.Components) > 1 {
		return k.conf.RealmOf(server.Components[1])
	}
	return server.Realm
}

// cross gets a ticket for the ticket-granting service of another realm, or of one on the way to it.
func (k *Kerberos) cross(ctx context.Context, tgt *krb5.Credential, tgs krb5.Principal) (*krb5.Credential, error) {
	return k.once(ctx, "by "+tgs.String(), func() (*krb5.Credential, error) {
		c, _, err := k.grant(ctx, tgt, tgs)
		return c, err
	})
}

// grant asks the realm that tgt is for.
func (k *Kerberos) grant(ctx context.Context, tgt *krb5.Credential, server krb5.Principal) (c *krb5.Credential, referral bool, err error) {
	x, err := krb5.NewTGS(krb5.TGSConfig{TGT: tgt, Server: server, Now: k.cfg.Clock})
	if err != nil {
		return nil, false, err
	}
	msg, err := x.Request()
	if err != nil {
		return nil, false, err
	}
	addr, err := k.ask(ctx, question{realm: x.Realm(), msg: msg, most: maxKDCs, take: func(answer []byte) (err error) {
		c, referral, err = x.Reply(answer)
		return err
	}})
	if err != nil {
		return nil, false, k.failure(x.Realm(), addr, []string{server.Name()}, err)
	}
	return c, referral, nil
}

// login gets the ticket-granting ticket of the user's realm: the one in the ticket cache, or one for the password or key.
func (k *Kerberos) login(ctx context.Context) (*krb5.Credential, error) {
	if k.cfg.CCache != "" {
		return k.cachedTGT()
	}
	k.mu.Lock()
	closed, refused := k.closed, k.refused
	keys := slices.Clone(k.keys)
	for i := range keys {
		keys[i].Key.Value = slices.Clone(keys[i].Key.Value)
	}
	k.mu.Unlock()
	defer destroyKeys(keys)
	if closed { // without the keys the password would be sent, which may be empty
		return nil, errClosed()
	}
	if refused != nil {
		return nil, refused
	}
	c, err := k.authenticate(ctx, krb5.ASConfig{Client: k.user, Password: k.cfg.Password.Reveal, Keys: keys, Now: k.cfg.Clock})
	if e, ok := errors.AsType[*KDCError](err); ok && e.Refused() {
		k.mu.Lock()
		k.refused = e
		k.mu.Unlock()
	}
	return c, err
}

// authenticate asks the user's realm for the ticket-granting ticket.
func (k *Kerberos) authenticate(ctx context.Context, cfg krb5.ASConfig) (*krb5.Credential, error) {
	x, err := krb5.NewAS(cfg)
	if err != nil {
		return nil, err
	}
	defer x.Destroy()
	msg, err := x.Request()
	if err != nil {
		return nil, err
	}
	for most := maxKDCs; ; most = maxPreauthenticated { // twice, with pre-authentication
		var next []byte
		var c *krb5.Credential
		addr, err := k.ask(ctx, question{realm: k.user.Realm, msg: msg, most: most, take: func(answer []byte) (err error) {
			next, c, err = x.Reply(answer)
			return err
		}})
		if err != nil {
			return nil, k.failure(k.user.Realm, addr, nil, err)
		}
		if next == nil {
			return c, nil
		}
		msg = next
	}
}

// cachedTGT returns the ticket-granting ticket of the ticket cache. If that has ended, or soon will, the file is read again: its owner may
// have renewed it.
func (k *Kerberos) cachedTGT() (*krb5.Credential, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, errClosed()
	}
	now := k.cfg.Clock()
	old := k.ccache.TGT(now)
	if usable(old, now) && k.fresh(old) {
		return clone(old), nil
	}
	again, err := k.renewedTGT(now)
	if err != nil && usable(old, now) {
		return clone(old), nil
	}
	return again, err
}

// renewedTGT reads the ticket cache again, and returns its ticket-granting ticket; k.mu is held.
func (k *Kerberos) renewedTGT(now time.Time) (*krb5.Credential, error) {
	again, err := readCCache(k.cfg.CCache)
	if err != nil {
		return nil, err
	}
	if !again.Principal.Equal(k.user) {
		return nil, ticketsOfOther(k.cfg.CCache, again.Principal, k.userName)
	}
	c := again.TGT(now)
	if !usable(c, now) {
		e := unusableTicket(k.cfg.CCache, c, now)
		e.Fix = kinitLine(k.cfg.CCache, k.userName)
		return nil, e
	}
	k.forgetCCache()
	k.ccache = again
	return clone(c), nil
}
