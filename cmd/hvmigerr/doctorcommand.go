package main

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// address fills what is known into the commands of st: the host, the user, the realm, a KDC, the fingerprint of the certificate.
// A command that would look up an address is left out.
func (l *ladder) address(st *step) {
	t := l.s.target
	st.actions = slices.DeleteFunc(slices.Clone(st.actions), func(act action) bool {
		return t.isAddress() && strings.HasPrefix(act.command, "nslookup <HOST>")
	})
	for i := range st.actions {
		command := l.people(st.actions[i].command)
		if st.name == rungTLS && len(st.more) > 0 {
			command = strings.ReplaceAll(command, "sha256:<HEX>", st.more[0])
		}
		before, own, is := cutBefore(command, "hvmigerr ")
		if is {
			own = l.ownCommand(before, own)
		}
		if addrs := l.addresses(); len(addrs) == 1 {
			before = strings.ReplaceAll(before, "<ADDRESS>", addrs[0])
		}
		st.actions[i].command = strings.ReplaceAll(before, "<HOST>", t.name) + own
	}
}

// cutBefore cuts s before the first separator.
func cutBefore(s, separator string) (before, after string, found bool) {
	i := strings.Index(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i:], true
}

func (l *ladder) addresses() []string {
	if l.resolution == nil {
		return nil
	}
	return addressTexts(l.resolution)
}

// anotherUser stands in a command for an account other than the user's.
const anotherUser = `'<DOMAIN>\<USER>'`

// people fills who and whose realm is known into command. A user who is to be named in full is another one.
func (l *ladder) people(command string) string {
	f := l.s.flags
	name, realm := f.user, ""
	if l.s.kerberos != nil {
		name = l.s.kerberos.User()
	}
	if before, after, ok := cutLast(name, "@"); ok {
		name, realm = before, strings.ToUpper(after)
	}
	if _, after, ok := strings.Cut(name, `\`); ok {
		name = after
	}
	if l.tickets != nil && l.tickets.UserRealm != "" {
		realm = l.tickets.UserRealm
	}
	pairs := []string{anotherUser, anotherUser}
	if user, ok := quotedUser(f.user); ok {
		pairs = append(pairs, "-u <USER> ", "-u "+user+" ")
		if !strings.Contains(f.user, "'") {
			pairs = append(pairs, "'<USER>'", "'"+f.user+"'")
		}
	}
	if plainWord(name) {
		pairs = append(pairs, "<USER>", name)
	}
	if plainWord(realm) {
		pairs = append(pairs, "<REALM>", realm)
	}
	if l.tickets != nil {
		pairs = append(pairs, knownKDCs(l.tickets.KDCs)...)
	}
	return strings.NewReplacer(pairs...).Replace(command)
}

// knownKDCs returns what to fill in for a KDC: one that answers where one is to be named, else the first, which is to be looked at.
func knownKDCs(kdcs []transport.KDCAttempt) []string {
	var pairs []string
	for _, k := range kdcs {
		host, port, err := net.SplitHostPort(k.Addr)
		switch {
		case err != nil:
		case k.Err == nil:
			pairs = append(pairs, "--kdc <DC>", "--kdc "+k.Addr)
		default:
			pairs = append(pairs, "<DC> 88", host+" "+port)
		}
	}
	return pairs
}

// cutLast is strings.Cut at the last separator.
func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

// quotedUser returns a name as a shell wants it; not one that cannot be quoted for every shell.
func quotedUser(user string) (string, bool) {
	switch {
	case plainWord(user):
		return user, true
	case user == "" || strings.ContainsAny(user, "'\r\n"):
		return "", false
	}
	return "'" + user + "'", true
}

// plainWord tells a word that means itself to every shell.
func plainWord(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("._@-", r)
	})
}

// isAddress tells that the host was named by an address.
func (t *target) isAddress() bool {
	_, err := netip.ParseAddr(t.name)
	return err == nil
}
