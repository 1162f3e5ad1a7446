// Our own tests of the official Go client. tests/clients/run puts the client's directory in the place
// of the version below (`go mod edit -replace`), in a private copy of this module.
module pegasus-rs/clients

go 1.21

require (
	github.com/apache/incubator-pegasus/go-client v0.0.0
	github.com/stretchr/testify v1.8.4
)
