package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

// A KerberosReport is what there is for a transport to authenticate with by Kerberos.
type KerberosReport struct {
	// User is the principal, such as me@CORP.EXAMPLE.
	User string
	// ConfPath is the path of krb5.conf, or the list of paths in $KRB5_CONFIG, and ConfRead tells that there is such a file.
	ConfPath string
	ConfRead bool
	// DefaultRealm is that of krb5.conf, UserRealm the user's. HostRealm is what Config.SPN or the section domain_realm says of the
	// host; if empty, the KDCs of UserRealm are asked for it.
	DefaultRealm, UserRealm, HostRealm string
	// KDCs are those of UserRealm, in the order in which they are asked. The Err of one that a TCP connection was made to is nil.
	KDCs []KDCAttempt
	// KDCSource is where they stand: one of the constants, or "" without any.
	KDCSource string
	// NoKDC is why there are none: a [*KDCUnreachableError], or the end of the context.
	NoKDC error
	// SPNs are the names of the host's service that a KDC has answered about, in order. The Err of the one with a ticket is nil.
	SPNs []SPNAttempt
	// Ticket is the one that a request uses, nil if there is none.
	Ticket *TicketReport
}

// An SPNAttempt is what became of asking for a ticket for one name of the service.
type SPNAttempt struct {
	SPN string
	Err error // a [*KDCError]
}

// A TicketReport is what may be told of a ticket.
type TicketReport struct {
	// Client and Server are principals with their realms.
	Client, Server string
	EndTime        time.Time
	// EType is the encryption type of the session key.
	EType EType
}

// An EType is the number of an encryption type of Kerberos.
type EType int32

// String returns the name that IANA's registry gives the type; its number, if it is not one of AES.
func (e EType) String() string {
	switch int32(e) {
	case krb5.ETypeAES128SHA1:
		return "aes128-cts-hmac-sha1-96"
	case krb5.ETypeAES256SHA1:
		return "aes256-cts-hmac-sha1-96"
	case krb5.ETypeAES128SHA2:
		return "aes128-cts-hmac-sha256-128"
	case krb5.ETypeAES256SHA2:
		return "aes256-cts-hmac-sha384-192"
	}
	return fmt.Sprintf("encryption type %d", int32(e))
}

// InspectKerberos connects to each KDC of the user's realm, and gets the ticket that a request would use. The ticket is kept, and so is
// the refusal of a password: a request after it sends neither again. Nothing goes to the host.
//
// The error is what a request would end with: an [*AuthError]. The report holds what was learnt all the same; it is nil only when the
// transport does not authenticate by Kerberos.
func (t *Transport) InspectKerberos(ctx context.Context) (*KerberosReport, error) {
	if t.Mechanism() != MechanismKerberos {
		return nil, errors.New("transport: there is no Kerberos to inspect: Config.Auth or Config.Kerberos is not for it")
	}
	k := t.cfg.Kerberos
	servers := services(spns(&t.cfg, hostName(t.url)))
	r := &KerberosReport{
		User: k.User(), ConfPath: krb5ConfName(k.cfg.ConfPath),
		DefaultRealm: k.conf.DefaultRealm, UserRealm: k.user.Realm, HostRealm: k.realmOf(servers[0]),
	}
	r.ConfRead = k.cfg.ConfPath != "" || slices.ContainsFunc(filepath.SplitList(r.ConfPath), isThere)
	var wg sync.WaitGroup
	wg.Go(func() { k.reach(ctx, r) }) // beside the tickets: each silent KDC costs its time only once
	err := k.inspectTicket(ctx, servers, r)
	wg.Wait()
	if err != nil {
		return r, t.negotiator.notBegun(err)
	}
	return r, nil
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// reach finds the KDCs of the user's realm and connects to each.
func (k *Kerberos) reach(ctx context.Context, r *KerberosReport) {
	addrs, source, err := k.locate(ctx, k.user.Realm)
	r.KDCSource, r.NoKDC = source, err
	r.KDCs = make([]KDCAttempt, len(addrs))
	inParallel(len(addrs), func(i int) {
		limited, cancel := context.WithTimeout(ctx, k.cfg.Timeout)
		defer cancel()
		start := time.Now()
		c, err := k.connect(limited, addrs[i])
		r.KDCs[i] = KDCAttempt{Addr: addrs[i], After: time.Since(start), Err: err}
		if err == nil {
			_ = c.Close()
		}
	})
}

// inspectTicket gets the ticket for the first of servers that there is.
func (k *Kerberos) inspectTicket(ctx context.Context, servers []krb5.Principal, r *KerberosReport) error {
	c, err := k.credentialFor(ctx, servers, func(server krb5.Principal, err error) {
		// Of the way to the KDC that knows the service, an error is no word about the service.
		e, refused := errors.AsType[*KDCError](err)
		if err == nil || refused && slices.Equal(e.SPNs, []string{server.Name()}) {
			r.SPNs = append(r.SPNs, SPNAttempt{SPN: server.Name(), Err: err})
		}
	})
	if err != nil {
		return err
	}
	defer destroy(c)
	if len(r.SPNs) == 0 { // it was there
		r.SPNs = []SPNAttempt{{SPN: c.Server.Name()}}
	}
	r.Ticket = &TicketReport{
		Client: c.Client.String(), Server: c.Server.String(), EndTime: c.EndTime, EType: EType(c.Key.EType),
	}
	return nil
}
