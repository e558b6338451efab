package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// served lists the methods that a simulated host can offer, in the order in which they are shown.
func served() []wsmantest.AuthMethod {
	return []wsmantest.AuthMethod{
		wsmantest.AuthMethodNTLM, wsmantest.AuthMethodKerberos, wsmantest.AuthMethodBasic, wsmantest.AuthMethodCertificate,
	}
}

func authNames(list []wsmantest.AuthMethod) []string {
	names := []string{}
	for _, m := range list {
		names = append(names, string(m))
	}
	return names
}

// methods returns what the host offers: what --auth says, else all that protects what is sent.
func (f *simulateFlags) methods() ([]wsmantest.AuthMethod, error) {
	for _, name := range f.auth {
		if !slices.Contains(served(), wsmantest.AuthMethod(name)) {
			return nil, &usageError{fmt.Sprintf("--auth: %q is none of %s", name, strings.Join(authNames(served()), ", "))}
		}
	}
	var list []wsmantest.AuthMethod
	for _, m := range served() {
		asked := slices.Contains(f.auth, string(m))
		switch {
		case len(f.auth) > 0 && !asked:
		case m == wsmantest.AuthMethodCertificate && f.http:
			if asked {
				return nil, &usageError{"--auth certificate does not go with --http"}
			}
		case m == wsmantest.AuthMethodBasic && f.http && !f.allowUnencrypted:
			if asked {
				return nil, &usageError{"--auth basic with --http needs --allow-unencrypted: it is all in clear"}
			}
		default:
			list = append(list, m)
		}
	}
	return list, nil
}

// simulationFiles are what a client of the simulated host needs.
type simulationFiles struct {
	ca     string // the certificate authority; "" over http
	ccache string // a ticket of ticketUser; "" without Kerberos
	ticket string // whose ticket it is
	dir    string // for those that go at the end
}

// remove takes away what is not to stay. It lies in the directory of temporary files: what is left of it harms nobody.
func (s *simulationFiles) remove() {
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// writeFiles writes the authority and a ticket where the user wants them, or where remove takes them away. After an error it has
// taken those away.
func (f *simulateFlags) writeFiles(server *wsmantest.Server, cfg *wsmantest.Config) (*simulationFiles, error) {
	files := new(simulationFiles)
	err := files.writeAuthority(f.caOut, server)
	if err != nil {
		err = fmt.Errorf("--ca-out: %w", err)
	} else if !f.ownUsers { // a ticket is of one user
		if err = files.writeTicket(f.ccacheOut, server, cfg); err != nil {
			err = fmt.Errorf("--ccache-out: %w", err)
		}
	}
	if err != nil {
		files.remove()
		return nil, err
	}
	return files, nil
}

// writeAuthority writes the certificate authority, if there is one.
func (s *simulationFiles) writeAuthority(named string, server *wsmantest.Server) (err error) {
	if pem := server.CACertPEM(); pem != nil {
		s.ca, err = s.write(named, "ca.pem", pem, 0o644)
	}
	return err
}

// writeTicket writes a ticket of the administrator, or of the first user without one, if the host takes tickets.
func (s *simulationFiles) writeTicket(named string, server *wsmantest.Server, cfg *wsmantest.Config) error {
	users := usersOf(cfg.Model)
	if len(users) == 0 || !slices.Contains(cfg.Auth, wsmantest.AuthMethodKerberos) {
		return nil
	}
	user := users[0].Name
	if slices.ContainsFunc(users, func(u wsmantest.User) bool { return u.Name == administrator }) {
		user = administrator
	}
	ccache, err := server.CCache(user)
	if err != nil {
		return err
	}
	s.ticket = user + "@" + server.Realm()
	s.ccache, err = s.write(named, "krb5cc", ccache, 0o600)
	return err
}

// write writes data to the file that the user named, or to one of ours of that name.
func (s *simulationFiles) write(named, name string, data []byte, mode os.FileMode) (string, error) {
	if named == "" {
		if s.dir == "" {
			dir, err := os.MkdirTemp("", "hvmigerr-simulate-")
			if err != nil {
				return "", err
			}
			s.dir = dir
		}
		named = filepath.Join(s.dir, name)
	}
	return named, os.WriteFile(named, data, mode)
}

// administrator is the user of the built-in model who may do everything; the password is the name and -pass.
const administrator = "administrator"

// printSimulation says how the host is reached.
func (a *app) printSimulation(f *simulateFlags, server *wsmantest.Server, cfg *wsmantest.Config, files *simulationFiles) error {
	users, url := usersOf(cfg.Model), f.url(server)
	if f.output != outputText {
		names := []string{}
		for i := range users {
			names = append(names, users[i].Name)
		}
		return a.writeJSON(object{
			{"schema", schema},
			{"command", "simulate"},
			{"url", url},
			{"auth", authNames(cfg.Auth)},
			{"caFile", nullable(files.ca)},
			{"pin", nullable(server.Pin())},
			{"ccacheFile", nullable(files.ccache)},
			{"users", names},
		}, f.output)
	}
	a.out.printf("A simulated Hyper-V host, nothing of it is real.\n\n")
	a.out.printf("address    %s\n", url)
	a.printFacts(cfg, server, files, users)
	a.printTries(cfg, files, url)
	a.out.printf("\nCtrl-C ends it.\n")
	return nil
}

// printFacts says what one has to know of the host to be let in. Without users each host has one of its own.
func (a *app) printFacts(cfg *wsmantest.Config, server *wsmantest.Server, files *simulationFiles, users []wsmantest.User) {
	a.out.printf("auth       %s\n", strings.Join(authNames(cfg.Auth), ", "))
	if files.ca != "" {
		a.out.printf("CA file    %s\npin        %s\n", files.ca, server.Pin())
	}
	if files.ccache != "" {
		a.out.printf("ticket     %s, of %s\n", files.ccache, safeLine(files.ticket))
	}
	for i := range users {
		a.out.printf("user       %s%s\n", safeLine(users[i].Name), access(users[i].Access))
	}
	switch {
	case users == nil:
		a.out.printf("users      one for each host\npasswords  %s\n", fleetPassword)
	case cfg.Model.Users != nil:
		a.out.printf("passwords  those of the model\n")
	default:
		a.out.printf("passwords  the name and -pass\n")
	}
}

// printTries prints a command line for each way to authenticate at the host.
func (a *app) printTries(cfg *wsmantest.Config, files *simulationFiles, url string) {
	byPassword := fmt.Sprintf("  %sPASSWORD=%s-pass hvmigerr get -u %s", envPrefix, administrator, administrator)
	trust, curl := "", "curl --noproxy '*'"
	if files.ca != "" {
		trust, curl = " --ca-file "+shellWord(files.ca), "curl --cacert "+shellWord(files.ca)
	}
	a.out.printf("\nTry:\n")
	if files.ccache != "" {
		a.out.printf("  KRB5CCNAME=%s hvmigerr get \\\n   %s %s\n", shellWord("FILE:"+files.ccache), trust, url)
	}
	if cfg.Model.Users != nil {
		return // nobody knows what passwords they have
	}
	if slices.Contains(cfg.Auth, wsmantest.AuthMethodNTLM) {
		a.out.printf("%s \\\n   %s %s\n", byPassword, trust, url)
		a.out.printf("%s \\\n   %s %s\n", strings.Replace(byPassword, " get ", " events ", 1), trust, url)
	}
	if !slices.Contains(cfg.Auth, wsmantest.AuthMethodBasic) {
		return
	}
	if cfg.HTTP {
		trust = " --allow-unencrypted"
	}
	a.out.printf("%s --auth basic \\\n   %s %s\n", byPassword, trust, url)
	a.out.printf("  %s -u administrator:administrator-pass \\\n", curl)
	a.out.printf("    -H 'Content-Type: application/soap+xml;charset=UTF-8' -d '%s' \\\n    %s\n", identifyMessage, url)
}

// shellWord returns s as one word for a shell.
func shellWord(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:@._-+,"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// identifyMessage is the request Identify, for curl.
const identifyMessage = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body>` +
	`<i:Identify xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"/></s:Body></s:Envelope>`

// access says what a user may do.
func access(a wsmantest.Access) string {
	switch a {
	case wsmantest.AccessRead:
		return " (reads, but may not call methods)"
	case wsmantest.AccessEmpty:
		return " (is shown nothing)"
	case wsmantest.AccessNone:
		return " (may not read)"
	case wsmantest.AccessFull:
	}
	return ""
}
