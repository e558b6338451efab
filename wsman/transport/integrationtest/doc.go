// Package integrationtest holds tests alone. They prove that NTLM, Kerberos and sealed messages are understood by software that
// others wrote: a KDC and GSS-API of MIT krb5, and gss-ntlmssp, in the service and the client of testdata/acceptor. Our own
// client and our own simulated host share code, and would share its mistakes.
//
// The tests run with the build tag integration, on Debian, with these packages:
//
//	apt-get install --no-install-recommends krb5-kdc krb5-admin-server krb5-user gss-ntlmssp python3-gssapi
//	go test -tags integration ./wsman/transport/integrationtest
//
// They use the loopback interface and temporary directories alone, need no root, and leave no process behind.
package integrationtest
