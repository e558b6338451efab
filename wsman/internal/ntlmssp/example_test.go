package ntlmssp_test

import (
	"fmt"

	"github.com/hvmigerr/hvmigerr/wsman/internal/ntlmssp"
)

// Both sides of one authentication, and a sealed message.
func Example() {
	client := ntlmssp.NewClient(ntlmssp.ClientConfig{
		User: "me", Domain: "CORP", Password: func() string { return "secret" }, TargetName: "HTTP/hv01",
	})
	server := ntlmssp.NewServer(ntlmssp.ServerConfig{
		ComputerName: "HV01",
		Password:     func(domain, user string) (string, bool) { return "secret", domain == "CORP" && user == "me" },
	})
	var token []byte
	var err error
	for server.Context() == nil && err == nil {
		if token, err = client.Step(token); err == nil {
			token, err = server.Step(token)
		}
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	out, signature, err := client.Context().Seal(nil, []byte("hello"))
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := server.Context().Unseal(out, signature)
	fmt.Println(len(out), string(text), err)
	// Output: 21 hello <nil>
}
