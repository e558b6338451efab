package main

import (
	"crypto/x509"
	"errors"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// fingerprints prints the SHA-256 of each certificate of the machine in the form of --tls-pin. Windows' own tools show SHA-1.
const fingerprints = `Get-ChildItem Cert:\LocalMachine\My | ForEach-Object { 'sha256:{0} {1}' -f ` +
	`([BitConverter]::ToString([Security.Cryptography.SHA256]::Create().ComputeHash($_.RawData)) -replace '-').ToLower(), $_.Subject }`

// Actions on the certificate of the host.
func compareCertificate() action {
	return onHost("compare the fingerprint with those of the host's own certificates", fingerprints)
}

func showCertificates() action {
	return onHost("for which names its certificates are, and until when",
		`Get-ChildItem Cert:\LocalMachine\My | Format-List Subject, NotBefore, NotAfter, DnsNameList, Thumbprint`)
}

func pinCertificate() action {
	return here("accept exactly that certificate, once it was compared", "hvmigerr get --tls-pin sha256:<HEX> <HOST>")
}

// uncertified makes a condition on why a certificate was not accepted.
func uncertified(fits func(*transport.CertificateError) bool) func(*failure) bool {
	return func(f *failure) bool { return f.certificate != nil && fits(f.certificate) }
}

// certificateRows are about a certificate that is for something else than the host that was named, or for another time. The message
// has told its fingerprint.
func certificateRows() []adviceRow {
	expired := func(e *transport.CertificateError) bool {
		invalid, ok := errors.AsType[x509.CertificateInvalidError](e)
		return ok && invalid.Reason == x509.Expired
	}
	return []adviceRow{
		{
			advice: advice{
				name:    "certificate-of-proxy",
				hint:    "it is the proxy's certificate: --ca-file names an authority for it, and --proxy none goes without a proxy",
				means:   "The certificate of the https proxy was not accepted, so nothing was sent. Pins are for the host's certificate alone.",
				actions: []action{here("trust the authority that issued it", "hvmigerr get --ca-file <FILE> <HOST>"), withoutProxy()},
			},
			fits: uncertified(func(e *transport.CertificateError) bool { return e.Proxy }),
		},
		{
			advice: advice{
				name:  "certificate-name",
				hint:  "name the host as its certificate does, or give --tls-server-name NAME if that name is the host's",
				means: "The certificate is for other names than the one that was typed. It may be the host by another name, or another host.",
				actions: []action{
					showCertificates(),
					here("expect another name", "hvmigerr get --tls-server-name <NAME> <HOST>"), compareCertificate(), pinCertificate(),
				},
			},
			fits: uncertified(func(e *transport.CertificateError) bool { return has[x509.HostnameError](e) }),
		},
		{
			advice: advice{
				name:    "certificate-not-yet-valid",
				hint:    "the certificate begins in the future: is the clock of this machine right?",
				means:   "The certificate is not valid yet, by the clock of this machine.",
				actions: []action{here("what time it is here", "date -u"), onHost("what time it is there", "(Get-Date).ToUniversalTime()"), showCertificates()},
			},
			fits: uncertified(func(e *transport.CertificateError) bool { return expired(e) && time.Now().Before(e.Leaf.NotBefore) }),
		},
		{
			advice: advice{
				name:    "certificate-expired",
				hint:    "the host needs a new certificate on its https listener; until then --tls-pin accepts this one, once it was compared",
				means:   "The certificate, or one of an authority above it, is no longer valid.",
				actions: []action{showCertificates(), listListeners(), compareCertificate(), pinCertificate()},
			},
			fits: uncertified(expired),
		},
	}
}

// vouchingRows are about a certificate that nobody vouches for, or that is not one of a server.
func vouchingRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{
				name:  "certificate-authority",
				hint:  "--ca-file FILE trusts the authority that issued it; one that signs itself can only be pinned, once it was compared",
				means: "Nobody whom this machine trusts vouches for the certificate, so the host is not proven to be the one that was named.",
				actions: []action{
					here("trust the authority of the organisation", "hvmigerr get --ca-file <FILE> <HOST>"), compareCertificate(), pinCertificate(),
				},
			},
			fits: uncertified(func(e *transport.CertificateError) bool { return has[x509.UnknownAuthorityError](e) }),
		},
		{
			advice: advice{
				name: "certificate-pin",
				hint: "the certificate is another than the one pinned: was it renewed? Compare the new fingerprint on the host before " +
					"you pin it; if it differs there too, somebody is in between",
				means:   "The certificate matches no --tls-pin. Either the host has a new one, or what answers is not the host.",
				actions: []action{compareCertificate(), pinCertificate()},
			},
			fits: uncertified(func(e *transport.CertificateError) bool { return errors.Is(e, transport.ErrPinMismatch) }),
		},
		{
			advice: advice{
				name:    "certificate-unfit",
				hint:    "the host needs another certificate on its https listener: for server authentication, with a name and a modern signature",
				means:   "The certificate, or its chain, breaks a rule for certificates of servers.",
				actions: []action{showCertificates(), listListeners()},
			},
			fits: uncertified(func(*transport.CertificateError) bool { return true }),
		},
	}
}
