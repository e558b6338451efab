package transport

import "strings"

// maxChallenges bounds what an answer can make us print.
const maxChallenges = 16

// challengeSchemes returns the scheme of every challenge in the values of a WWW-Authenticate or Proxy-Authenticate header, in
// order. One value may hold several challenges (RFC 9110 §11.6.1):
//
//	Negotiate, Basic realm="a, b", charset="UTF-8"
func challengeSchemes(values []string) []string {
	var schemes []string
	for _, value := range values {
		for element := range listElements(value) {
			end := strings.IndexFunc(element, func(r rune) bool { return !isTokenChar(r) })
			if end < 0 {
				end = len(element)
			}
			// A token before "=" is a parameter of the challenge before it.
			if end == 0 || strings.HasPrefix(strings.TrimLeft(element[end:], " \t"), "=") {
				continue
			}
			if len(schemes) == maxChallenges {
				return schemes
			}
			schemes = append(schemes, element[:end])
		}
	}
	return schemes
}

// listElements yields the elements of a comma-separated header value, trimmed. Commas in quoted strings separate nothing.
func listElements(value string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start, quoted := 0, false
		for i := 0; i < len(value); i++ {
			switch {
			case quoted && value[i] == '\\':
				i++
			case value[i] == '"':
				quoted = !quoted
			case value[i] == ',' && !quoted:
				if !yield(strings.Trim(value[start:i], " \t")) {
					return
				}
				start = i + 1
			}
		}
		yield(strings.Trim(value[start:], " \t"))
	}
}

// isTokenChar reports whether r may stand in a token (RFC 9110 §5.6.2).
func isTokenChar(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
