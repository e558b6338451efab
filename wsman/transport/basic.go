package transport

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"unicode"
)

// basic is RFC 7617, sent with the first request already: a probe would cost a round trip.
type basic struct {
	user     string
	password Secret
}

func newBasic(cfg *Config, scheme string) (authenticator, error) {
	switch {
	case scheme != "https" && !cfg.AllowUnencrypted:
		return nil, errors.New("transport: basic over http would send the password in clear; use https, or allow it by Config.AllowUnencrypted")
	case cfg.User == "":
		return nil, errors.New("transport: Config.User is required for basic")
	case strings.Contains(cfg.User, ":"):
		return nil, errors.New("transport: Config.User holds a colon, which basic cannot carry") // RFC 7617 §2
	case strings.ContainsFunc(cfg.User+cfg.Password.Reveal(), unicode.IsControl):
		return nil, errors.New("transport: Config.User or Config.Password holds a control character, which basic cannot carry")
	}
	return &basic{user: cfg.User, password: cfg.Password}, nil
}

func (b *basic) scheme() string { return "Basic" }

func (b *basic) authorize(h http.Header) {
	h.Set("Authorization", basicCredentials(b.user, b.password.Reveal()))
}

func basicCredentials(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}
