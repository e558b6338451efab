package krb5_test

import (
	"fmt"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

// A client and a service authenticate each other by a ticket that no KDC made, and exchange a sealed message.
func Example() {
	credential, err := krb5.Forge(krb5.Forgery{
		Client: client, Server: service, ServiceKey: serviceKey(krb5.ETypeAES256SHA1), EType: krb5.ETypeAES256SHA1,
		StartTime: now, EndTime: now.AddDate(0, 0, 1),
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	i := krb5.NewInitiator(krb5.InitiatorConfig{Credential: credential, Now: clock})
	a := krb5.NewAcceptor(krb5.AcceptorConfig{Keys: []krb5.ServiceKey{serviceKey(krb5.ETypeAES256SHA1)}, Now: clock})
	request, _ := i.Step(nil)
	reply, _ := a.Step(request)
	if _, err := i.Step(reply); err != nil {
		fmt.Println(err)
		return
	}
	token, signature, _ := i.Context().Seal(nil, []byte("why did it fail?"))
	message, err := a.Context().Unseal(token, signature)
	fmt.Printf("%s says %q (%v); the signature has %d octets\n", a.Client(), message, err, signature)
	// Output: me@CORP.EXAMPLE says "why did it fail?" (<nil>); the signature has 60 octets
}
