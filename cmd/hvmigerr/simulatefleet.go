package main

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// A fleetPlan is what the flags of simulate say of many hosts.
type fleetPlan struct {
	cfg    *wsmantest.Config // what all have alike
	flags  *simulateFlags
	faults []fault
	start  time.Time
}

// plan reads the flags that many hosts have of their own.
func (f *simulateFlags) plan(cfg *wsmantest.Config) (*fleetPlan, error) {
	p := &fleetPlan{cfg: cfg, flags: f, start: time.Now()}
	var err error
	if p.faults, err = f.spread(); err != nil {
		return nil, err
	}
	switch {
	case f.ownUsers && cfg.Model.Users != nil:
		return nil, &usageError{"--own-users does not go with a model that has users"}
	case f.ownUsers && f.ccacheOut != "":
		return nil, &usageError{"--ccache-out does not go with --own-users: a ticket is of one user"}
	}
	return p, nil
}

// alone refuses the flags of many hosts where there is one.
func (f *simulateFlags) alone() error {
	switch {
	case f.addresses:
		return &usageError{"--addresses needs --hosts"}
	case f.faults != "":
		return &usageError{"--faults needs --hosts"}
	case f.ownUsers:
		return &usageError{"--own-users needs --hosts"}
	}
	return nil
}

// fleetPassword is that of all users of --own-users.
const fleetPassword = "user-pass"

// user returns the one user of a host, "" when each host has the users of the model.
func (p *fleetPlan) user(i int) string {
	if !p.flags.ownUsers {
		return ""
	}
	return fmt.Sprintf("user-%04d", i+1)
}

// host returns the configuration of one host.
func (p *fleetPlan) host(i int) wsmantest.Config {
	cfg := *p.cfg
	cfg.Names = nil // those of the fleet
	if p.flags.model == "" {
		cfg.Model = wsmantest.FleetModel(i, p.start)
	} else {
		cfg.Model = p.cfg.Model.Vary(i)
	}
	cfg.Users = slices.Clone(usersOf(cfg.Model))
	if name := p.user(i); name != "" {
		cfg.Users = []wsmantest.User{{Name: name, Password: fleetPassword}}
	}
	if p.faults[i] == faultRefuse {
		for k := range cfg.Users {
			if u := &cfg.Users[k]; u.Password != "" {
				u.Password = "not " + u.Password
			}
		}
	}
	cfg.Rules = slices.Concat(p.faults[i].rules(), cfg.Rules)
	return cfg
}

// simulateFleet runs many hosts.
func (a *app) simulateFleet(ctx context.Context, f *simulateFlags, cfg *wsmantest.Config) error {
	p, err := f.plan(cfg)
	if err != nil {
		return err
	}
	fleet, err := wsmantest.NewFleet(wsmantest.FleetConfig{
		Hosts: f.hosts, Addr: f.listen, Addresses: f.addresses, Delay: f.delay, Host: p.host, User: p.user,
	})
	if err != nil {
		return &usageError{"--hosts: " + withoutPackage(err)}
	}
	if err := fleet.Start(); err != nil { //nolint:contextcheck // Close ends it
		return fmt.Errorf("--listen: %s", withoutPackage(err))
	}
	defer func() { _ = fleet.Close() }() // the process ends
	if at, err := netip.ParseAddrPort(f.listen); err == nil && !at.Addr().IsLoopback() {
		a.warn("other machines can reach these hosts; whoever knows hvmigerr knows their passwords")
	}
	files, err := f.writeFiles(fleet.Host(0), cfg)
	if err != nil {
		return err
	}
	defer files.remove()
	if f.output == outputText {
		a.printFleet(p, fleet, files)
	} else if err := a.writeJSON(p.json(fleet, files), f.output); err != nil {
		return err
	}
	if err := a.out.flush(); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// withoutPackage returns the message of an error of wsmantest without its name.
func withoutPackage(err error) string { return strings.TrimPrefix(err.Error(), "wsmantest: ") }

// json returns what -o json says of many hosts.
func (p *fleetPlan) json(fleet *wsmantest.Fleet, files *simulationFiles) object {
	users, hosts := []string{}, []object{}
	for _, u := range usersOf(p.cfg.Model) {
		if !p.flags.ownUsers {
			users = append(users, u.Name)
		}
	}
	for i := range fleet.Len() {
		server := fleet.Host(i)
		hosts = append(hosts, object{
			{"host", server.Addr().String()},
			{"url", server.URL()},
			{"user", nullable(p.user(i))},
			{"fault", nullable(string(p.faults[i]))},
		})
	}
	return object{
		{"schema", schema},
		{"command", "simulate"},
		{"auth", authNames(p.cfg.Auth)},
		{"caFile", nullable(files.ca)},
		{"pin", nullable(fleet.Host(0).Pin())},
		{"ccacheFile", nullable(files.ccache)},
		{"users", users},
		{"hosts", hosts},
	}
}

// printFleet prints the list of hosts as @FILE reads it; all else is in comments.
func (a *app) printFleet(p *fleetPlan, fleet *wsmantest.Fleet, files *simulationFiles) {
	var b bytes.Buffer
	about := newApp(nil, &b, a.stderr)
	about.out.printf("%d simulated Hyper-V hosts, nothing of them is real: this is a list for @FILE.\n\n", fleet.Len())
	about.printFacts(p.cfg, fleet.Host(0), files, p.users())
	if told := p.tell(); told != "" {
		about.out.printf("faults     %s\n", told)
	}
	about.printFleetTries(p, files)
	about.out.printf("\nCtrl-C ends them.\n")
	_ = about.out.flush() // into memory
	for line := range strings.Lines(b.String()) {
		a.out.printf("%s", strings.Replace("# "+line, "# \n", "#\n", 1))
	}
	for i := range fleet.Len() {
		a.out.printf("%s", fleet.Line(i))
		if p.faults[i] != "" {
			a.out.printf(" # %s", p.faults[i])
		}
		a.out.printf("\n")
	}
}

// users returns whom to tell of, nil for --own-users.
func (p *fleetPlan) users() []wsmantest.User {
	if p.flags.ownUsers {
		return nil
	}
	return usersOf(p.cfg.Model)
}

// printFleetTries prints a command line for each way to authenticate at all hosts.
func (a *app) printFleetTries(p *fleetPlan, files *simulationFiles) {
	hosts := " @hosts.txt\n"
	if files.ca != "" {
		hosts = " \\\n    --ca-file " + shellWord(files.ca) + hosts
	}
	a.out.printf("\nTry, with this list in hosts.txt:\n")
	if files.ccache != "" {
		a.out.printf("  KRB5CCNAME=%s hvmigerr get%s", shellWord("FILE:"+files.ccache), hosts)
	}
	byPassword := ""
	switch {
	case p.flags.ownUsers:
		byPassword = envPrefix + "PASSWORD=" + fleetPassword + " hvmigerr get"
	case p.cfg.Model.Users == nil:
		byPassword = fmt.Sprintf("%sPASSWORD=%s-pass hvmigerr get -u %s", envPrefix, administrator, administrator)
	default:
		return // nobody knows what passwords they have
	}
	if slices.Contains(p.cfg.Auth, wsmantest.AuthMethodNTLM) {
		a.out.printf("  %s%s", byPassword, hosts)
	}
}

// tell says how many hosts have which fault, "" if none has.
func (p *fleetPlan) tell() string {
	var parts []string
	for _, k := range knownFaults() {
		n := 0
		for _, f := range p.faults {
			if f == k {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k))
		}
	}
	return strings.Join(parts, ", ")
}
