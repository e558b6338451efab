package transport_test

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// A hostility is something a peer does to a client that authenticates by tokens.
type hostility struct {
	name string
	// say makes the answer number n of the peer from the honest one. The last honest answer is number tokens.
	say func(n, tokens int, honest string) string
	// ntlm limits it to NTLM.
	ntlm bool
	// harmless names the way that may go on: bare NTLM has no last token of the host, and does not look at a page in its place.
	harmless string
	// config changes what the client is told.
	config func(*transport.Config)
}

// at puts an answer in the place of the honest one with number n.
func at(n int, answer string) func(int, int, string) string {
	return func(i, _ int, honest string) string {
		if i == n {
			return answer
		}
		return honest
	}
}

// afterLast puts an answer in the place of the first one to a sealed request.
func afterLast(answer string) func(int, int, string) string {
	return func(i, tokens int, honest string) string {
		if i == tokens {
			return answer
		}
		return honest
	}
}

// always answers the same.
func always(answer string) func(int, int, string) string {
	return func(int, int, string) string { return answer }
}

func hostilities() []hostility {
	var (
		basic       = unauthorized(`Basic realm="WSMAN"`)
		unavailable = reply("503 Service Unavailable", "", "Content-Length: 0")
		plain       = soap("200 OK", envelope)
		fault       = soap("500 Internal Server Error", envelope)
		redirect    = reply("307 Temporary Redirect", "", "Location: http://127.0.0.1:1/wsman", "Content-Length: 0")
		proxy       = reply("407 Proxy Authentication Required", "", `Proxy-Authenticate: Basic realm="proxy"`, "Content-Length: 0")
	)
	rows := []hostility{
		{name: "only Basic offered", say: always(basic)},
		{name: "only Basic offered after the first token", say: at(1, basic)},
		{name: "only Basic offered in mid-session", say: afterLast(basic)},
		{name: "503 in mid-session", say: afterLast(unavailable)},
		{name: "reset in mid-session", say: afterLast("")},
		{name: "answer in clear in mid-session", say: afterLast(plain)},
		{name: "fault in clear in mid-session", say: afterLast(fault)},
		{name: "redirect in mid-session", say: afterLast(redirect)},
		{name: "407 in mid-session", say: afterLast(proxy)},
		{name: "TLS that is none", say: always(plain), config: func(c *transport.Config) { c.URL = strings.Replace(c.URL, "http:", "https:", 1) }},
		{name: "garbage for a token", say: at(0, unauthorized("Negotiate AAAA", "Kerberos AAAA"))},
		{name: "a token that is not base64", say: at(0, unauthorized("Negotiate !!", "Kerberos !!"))},
		{name: "the same token for ever", say: always(unauthorized("Negotiate oQcwBaADCgEB"))},
	}
	for _, leg := range []int{0, 1} {
		n := " to token " + itoa(leg+1)
		rows = append(rows,
			hostility{name: "503" + n, say: at(leg, unavailable)},
			hostility{name: "reset" + n, say: at(leg, "")},
			hostility{name: "answer in clear" + n, say: at(leg, plain), harmless: map[int]string{1: "ntlm"}[leg]},
			hostility{name: "redirect" + n, say: at(leg, redirect)},
			hostility{name: "407" + n, say: at(leg, proxy)},
			hostility{name: "200 without a token" + n, say: at(leg, reply("200 OK", "", "Content-Length: 0")), harmless: map[int]string{1: "ntlm"}[leg]},
		)
	}
	for _, flag := range []struct {
		name string
		bit  uint32
	}{
		// MS-NLMP 2.2.2.5.
		{"SIGN", 0x10},
		{"SEAL", 0x20},
		{"EXTENDED_SESSIONSECURITY", 0x80000},
		{"TARGET_INFO", 0x800000},
		{"128", 0x20000000},
		{"KEY_EXCH", 0x40000000},
		{"all", 0xffffffff},
	} {
		rows = append(rows, hostility{name: "CHALLENGE without " + flag.name, ntlm: true, say: func(n, _ int, honest string) string {
			if n != 0 {
				return honest
			}
			return stripped(honest, flag.bit)
		}})
	}
	return rows
}

// stripped takes flags out of the CHALLENGE in an honest answer.
func stripped(honest string, bits uint32) string {
	head, rest, _ := strings.Cut(honest, "WWW-Authenticate: Negotiate ")
	text, tail, _ := strings.Cut(rest, "\r\n")
	token, err := base64.StdEncoding.DecodeString(text)
	start := strings.Index(string(token), "NTLMSSP\x00") // it may stand within SPNEGO
	flags := start + 20                                  // MS-NLMP 2.2.1.2
	if err != nil || start < 0 || len(token) < flags+4 {
		return "HTTP/1.1 the acceptor of this test sent no CHALLENGE"
	}
	binary.LittleEndian.PutUint32(token[flags:], binary.LittleEndian.Uint32(token[flags:])&^bits)
	return head + "WWW-Authenticate: Negotiate " + base64.StdEncoding.EncodeToString(token) + "\r\n" + tail
}

// TestHostilePeers: whatever a peer does to NTLM or Kerberos, it gets to see no password, no Basic and no envelope, and the
// caller gets an error and never an answer.
func TestHostilePeers(t *testing.T) {
	for _, w := range ways() {
		for _, row := range hostilities() {
			if row.ntlm && !strings.Contains(strings.ToLower(w.name), "ntlm") {
				continue
			}
			t.Run(w.name+"/"+row.name, func(t *testing.T) {
				h := w.host(t)
				h.say = func(n int, honest string) string { return row.say(n, w.tokens, honest) }
				p := listen(t, h.serve)
				cfg := w.config(t, p.addr())
				if row.config != nil {
					row.config(&cfg)
				}
				tr := newTransport(t, cfg)
				for range 3 { // a second try does not lower the guard either
					if r, err := send(t.Context(), tr); err == nil && row.bites(w.tokens) && w.name != row.harmless {
						t.Errorf("RoundTrip: %q, want an error", r.Body)
					}
				}
				checkSilence(t, p.received())
			})
		}
	}
}

// bites tells that the row does change an answer to a client of so many tokens.
func (h *hostility) bites(tokens int) bool {
	const mark = "honest"
	for n := range tokens + 1 {
		if !strings.Contains(h.name, "CHALLENGE") && h.say(n, tokens, mark) == mark {
			continue
		}
		return true
	}
	return false
}

// checkSilence looks for all that must not be in what a peer received.
func checkSilence(t *testing.T, received string) {
	t.Helper()
	if received == "" {
		t.Error("the peer received nothing: the row proves nothing")
	}
	wide := make([]byte, 0, 2*len(password))
	for _, unit := range utf16.Encode([]rune(password)) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	texts := []string{received, strings.ToLower(received)}
	for field := range strings.FieldsSeq(received) {
		if token, err := base64.StdEncoding.DecodeString(field); err == nil {
			texts = append(texts, string(token))
		}
	}
	for _, text := range texts {
		for what, secret := range map[string]string{
			"the password": password, "the password in UTF-16": string(wide), "the password in base64": credentials,
			"Basic": "authorization: basic", "an envelope": "Envelope", "a part of an envelope": "2003/05/soap",
		} {
			if strings.Contains(text, secret) {
				t.Errorf("the peer received %s", what)
			}
		}
	}
}
