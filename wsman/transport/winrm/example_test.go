package winrm_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/masterzen/winrm"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
	bridge "github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// serve starts a simulated host that knows one command, over http, and returns where it listens.
func serve() (s *wsmantest.Server, name string, port int, err error) {
	model := wsmantest.DefaultModel(time.Now())
	model.Shell.Commands = []wsmantest.ShellCommand{{Line: "hostname", Stdout: "HV01\r\n", ExitCode: 3}}
	if s, err = wsmantest.NewServer(wsmantest.Config{HTTP: true, Model: model}); err != nil {
		return nil, "", 0, err
	}
	if err = s.Start(); err != nil {
		return nil, "", 0, err
	}
	name, text, err := net.SplitHostPort(s.Addr().String())
	if err != nil {
		return nil, "", 0, err
	}
	port, err = strconv.Atoi(text)
	return s, name, port, err
}

// A program that uses masterzen/winrm, and three lines that seal all that it sends: those that are marked. They need two imports, of this
// package and of package transport.
func ExampleTransporter() {
	ctx := context.Background()
	host, name, port, err := serve()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = host.Close() }()

	user, password := `.\administrator`, "administrator-pass"
	endpoint := winrm.NewEndpoint(name, port, false, false, nil, nil, nil, 10*time.Second)
	params := winrm.NewParameters("PT60S", "en-US", 153600)
	tr := bridge.NewTransporter(ctx, transport.Config{Auth: transport.AuthNTLM, User: user, Password: transport.NewSecret(password)}) // 1: new
	defer func() { _ = tr.Close() }()                                                                                                 // 2: new
	params.TransportDecorator = func() winrm.Transporter { return tr }                                                                // 3: was &winrm.ClientNTLM{}
	client, err := winrm.NewClientWithParameters(endpoint, user, password, params)
	if err != nil {
		fmt.Println(err)
		return
	}
	stdout, _, code, err := client.RunCmdWithContext(ctx, "hostname")
	fmt.Printf("%q %d %v\n", stdout, code, err)

	sealed := true
	for _, r := range host.Requests() {
		sealed = sealed && (r.Sealed || r.Operation == "Authenticate")
	}
	fmt.Println("all sealed:", sealed)
	// Output:
	// "HV01\r\n" 3 <nil>
	// all sealed: true
}

// One remote shell for all commands, over a transport that other operations use as well.
func ExampleShell() {
	ctx := context.Background()
	host, _, _, err := serve()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = host.Close() }()

	tr, err := transport.New(transport.Config{
		URL: host.URL(), Auth: transport.AuthNTLM, User: `.\administrator`, Password: transport.NewSecret("administrator-pass"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = tr.Close() }()
	shell, err := bridge.NewShell(host.URL(), tr)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = shell.Close() }()
	var stdout, stderr locked
	code, err := shell.Run(ctx, "hostname", &stdout, &stderr)
	fmt.Printf("%q %d %v\n", stdout.Bytes(), code, err)
	// Output: "HV01\r\n" 3 <nil>
}
