package main

import (
	"errors"
	"net"
	"os"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// resolveRows are about a name without an address.
func resolveRows() []adviceRow {
	resolv := here("which servers and search domains are asked", "cat /etc/resolv.conf")
	lookUp := here("what DNS knows of it", "nslookup <HOST>")
	fullName := onHost("its full name", hostFullName)
	return []adviceRow{
		{
			advice: advice{
				name:    "resolve-file",
				means:   "The name was not resolved, and a file here is called so. A list of hosts has an @ before its name.",
				actions: []action{here("ask the hosts that it lists", "hvmigerr get @<HOST>")},
			},
			fits:   func(f *failure) bool { return unresolvedFile(f) != "" },
			hintOf: func(f *failure) string { return "did you mean @" + unresolvedFile(f) + "? A file here is called so" },
		},
		{
			advice: advice{
				name:    "resolve-unknown",
				hint:    "DNS has no address under that name: is it right and complete, such as hv01.corp.example? This machine must ask a DNS server that knows it",
				means:   "A DNS server answered: the name is unknown to it, or has no address there.",
				actions: []action{lookUp, resolv, fullName},
			},
			fits: unresolved(func(e *net.DNSError) bool { return e.IsNotFound }),
		},
		{
			advice: advice{
				name:    "resolve-no-server",
				hint:    "no DNS server is there where this machine asks: does /etc/resolv.conf name the right one? A VPN may be missing",
				means:   "Nothing takes questions at the address of the DNS server, or there is no way to it. Whether the name is right is not known.",
				actions: []action{resolv, lookUp},
			},
			fits: unresolved(noServer),
		},
		{
			advice: advice{
				name:    "resolve-timeout",
				hint:    "the DNS servers that this machine asks do not answer in time: are they right, and is a VPN missing?",
				means:   "No DNS server answered in time. Whether the name is right is not known.",
				actions: []action{resolv, lookUp, here("give it more time", "hvmigerr get --connect-timeout 20s <HOST>")},
			},
			fits: func(f *failure) bool {
				return unresolved(func(e *net.DNSError) bool { return e.IsTimeout })(f) ||
					atStage(transport.StageResolve, func(e *transport.ConnectError) bool { return !has[*net.DNSError](e) })(f) // our own limit
			},
		},
		{
			advice: advice{
				name:    "resolve",
				hint:    "the DNS server answers, and with an error of its own: does another one know the name? /etc/resolv.conf names those that are asked",
				means:   "The DNS server could not, or would not, look the name up. Whether the name is right is not known.",
				actions: []action{lookUp, resolv, fullName},
			},
			fits: atStage(transport.StageResolve, always),
		},
	}
}

// unresolved makes a condition on what the resolver said.
func unresolved(fits func(*net.DNSError) bool) func(*failure) bool {
	return atStage(transport.StageResolve, func(e *transport.ConnectError) bool {
		dns, ok := errors.AsType[*net.DNSError](e)
		return ok && fits(dns)
	})
}

// unresolvedFile returns the name that has no address if a file is called so, else "".
func unresolvedFile(f *failure) string {
	if f.connect == nil || f.connect.Stage != transport.StageResolve {
		return ""
	}
	name := f.connect.Addr
	if host, _, err := net.SplitHostPort(name); err == nil {
		name = host
	}
	if info, err := os.Stat(name); err != nil || info.IsDir() {
		return ""
	}
	return name
}

// noServer tells that the question reached nobody. Package net keeps only the text of that error.
func noServer(e *net.DNSError) bool {
	for _, text := range []string{"connection refused", "network is unreachable", "no route to host", "host is unreachable"} {
		if strings.HasSuffix(e.Err, text) {
			return true
		}
	}
	return false
}
