package krb5_test

import (
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

var (
	etypes  = []int32{krb5.ETypeAES128SHA1, krb5.ETypeAES256SHA1, krb5.ETypeAES128SHA2, krb5.ETypeAES256SHA2}
	now     = time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.UTC)
	client  = krb5.Principal{NameType: krb5.NameTypePrincipal, Components: []string{"me"}, Realm: "CORP.EXAMPLE"}
	service = krb5.Principal{NameType: krb5.NameTypeService, Components: []string{"HTTP", "hv01"}, Realm: "CORP.EXAMPLE"}
)

func clock() time.Time { return now }

// serviceKey returns a key that differs by type, and not by run.
func serviceKey(etype int32) krb5.ServiceKey {
	size := map[int32]int{17: 16, 18: 32, 19: 16, 20: 32}[etype]
	key := krb5.Key{EType: etype, Value: make([]byte, size)}
	for i := range key.Value {
		key.Value[i] = byte(int(etype) + i)
	}
	return krb5.ServiceKey{Principal: service, KVNO: 2, Key: key}
}

// forge returns a ticket that is valid now, made with the key that serviceKey returns.
func forge(tb testing.TB, etype int32) *krb5.Credential {
	tb.Helper()
	c, err := krb5.Forge(krb5.Forgery{
		Client: client, Server: service, ServiceKey: serviceKey(etype), EType: etype,
		StartTime: now.Add(-time.Hour), EndTime: now.Add(time.Hour),
	}, nil)
	if err != nil {
		tb.Fatalf("Forge: %v", err)
	}
	return c
}

// pair returns both sides of an exchange that has not begun.
func pair(tb testing.TB, etype int32) (*krb5.Initiator, *krb5.Acceptor) {
	tb.Helper()
	i := krb5.NewInitiator(krb5.InitiatorConfig{Credential: forge(tb, etype), Now: clock})
	a := krb5.NewAcceptor(krb5.AcceptorConfig{Keys: []krb5.ServiceKey{serviceKey(etype)}, Now: clock})
	return i, a
}

// request returns the AP-REQ of i.
func request(tb testing.TB, i *krb5.Initiator) []byte {
	tb.Helper()
	token, err := i.Step(nil)
	if err != nil {
		tb.Fatalf("Initiator.Step(nil): %v", err)
	}
	return token
}

// shake runs an exchange to its end.
func shake(tb testing.TB, i *krb5.Initiator, a *krb5.Acceptor) (byInitiator, byAcceptor sealed.Context) {
	tb.Helper()
	reply, err := a.Step(request(tb, i))
	if err != nil {
		tb.Fatalf("Acceptor.Step: %v", err)
	}
	if out, err := i.Step(reply); err != nil || out != nil {
		tb.Fatalf("Initiator.Step(AP-REP) = %x, %v, want no token", out, err)
	}
	return i.Context(), a.Context()
}

// establish returns the contexts of a client and a server.
func establish(tb testing.TB, etype int32) (byClient, byServer sealed.Context) {
	tb.Helper()
	i, a := pair(tb, etype)
	return shake(tb, i, a)
}
