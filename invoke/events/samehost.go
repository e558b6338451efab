package events

import (
	"net/netip"
	"strings"
)

// SameHost reports whether a and b may name the same host: one may be the first label of the other. Nobody is asked.
func SameHost(a, b string) bool { return newHostName(a).same(newHostName(b)) }

// A hostName is the name of a host, ready to be compared.
type hostName struct {
	whole, label string
	address      bool
}

func newHostName(host string) hostName {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return hostName{whole: host, address: true}
	}
	label, _, _ := strings.Cut(host, ".")
	return hostName{whole: host, label: label}
}

// same reports whether both may name one host.
func (a hostName) same(b hostName) bool {
	if a.whole == b.whole {
		return a.whole != ""
	}
	return !a.address && !b.address && a.label == b.label && a.label != "" && (a.whole == a.label || b.whole == b.label)
}

// other reports whether both are known, and name two hosts: a name and an address may be of one.
func (a hostName) other(b hostName) bool {
	return a.whole != "" && b.whole != "" && a.address == b.address && !a.same(b)
}
