package transport_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

func ExampleNew() {
	// A stand-in for a host.
	host := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "application/soap+xml;charset=UTF-8")
		_, _ = fmt.Fprintf(w, "<!-- hello, %s -->", user)
	}))
	defer host.Close()
	pin, err := transport.ParsePin(fmt.Sprintf("sha256:%x", sha256.Sum256(host.Certificate().Raw)))
	if err != nil {
		fmt.Println(err)
		return
	}

	tr, err := transport.New(transport.Config{
		URL:      host.URL + "/wsman",
		Auth:     transport.AuthBasic,
		User:     "hv-reader",
		Password: transport.NewSecret("secret"),
		Pins:     []transport.Pin{pin},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tr.CloseIdleConnections()

	reply, err := tr.RoundTrip(context.Background(), &wsman.Request{Body: []byte("<an-envelope/>")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d %s\n", reply.StatusCode, reply.Body)
	// Output: 200 <!-- hello, hv-reader -->
}
