// The cluster that tests/clients/run has started, and what the tests need to use and to break it.

package clients

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/apache/incubator-pegasus/go-client/config"
	"github.com/apache/incubator-pegasus/go-client/pegalog"
	"github.com/apache/incubator-pegasus/go-client/pegasus"
	"github.com/stretchr/testify/require"
)

// How long an operation may take. Generous: a slow machine is not what is tested.
const patience = 30 * time.Second

// For requests that the server refuses. The client takes every error that it does not expect, those of
// the storage too, for a sign of old routing: it tries again until the context ends, and then that is
// all that it tells.
const refusalLimit = 2 * time.Second

// A table for everything, and one that only the full scans write to. Both have this many partitions.
const (
	table          = "temp"
	scanTable      = "scan"
	partitionCount = 8
)

func TestMain(m *testing.M) {
	// The client writes a line for every connection; the interesting ones are those of failing tests.
	quiet, err := os.Create("client.log")
	if err != nil {
		log.Fatal(err)
	}
	pegalog.SetLogger(log.New(quiet, "", log.LstdFlags))
	os.Exit(m.Run())
}

// The addresses of the meta servers.
func metaServers(t *testing.T) []string {
	list := os.Getenv("PEGASUS_META")
	require.NotEmpty(t, list, "PEGASUS_META names no meta servers: use tests/clients/run")
	return strings.Split(list, ",")
}

// A context that lasts for one operation on a slow machine.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// A client that is closed with the test.
func newClient(t *testing.T) pegasus.Client {
	client := pegasus.NewClient(config.Config{MetaServers: metaServers(t)})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

func openTable(t *testing.T, name string) pegasus.TableConnector {
	connector, err := newClient(t).OpenTable(soon(t), name)
	require.NoError(t, err)
	return connector
}

// A hash key that no other test uses, so that tests do not see each other's records.
func ownHashKey(t *testing.T) []byte {
	return []byte(fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano()))
}

func numbered(prefix string, count int) [][]byte {
	keys := make([][]byte, count)
	for i := range keys {
		keys[i] = []byte(fmt.Sprintf("%s%04d", prefix, i))
	}
	return keys
}

// Breaks or mends the cluster: see tests/clients/control.
func control(t *testing.T, arguments ...string) string {
	output, err := exec.Command(os.Getenv("PEGASUS_CONTROL"), arguments...).CombinedOutput()
	require.NoError(t, err, "control %v: %s", arguments, output)
	return strings.TrimSpace(string(output))
}

// Tries until it works; the operation gets a context of its own each time.
func eventually(t *testing.T, limit time.Duration, operation func(ctx context.Context) error) {
	deadline := time.Now().Add(limit)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err := operation(ctx)
		cancel()
		if err == nil {
			return
		}
		require.True(t, time.Now().Before(deadline), "still failing after %s: %v", limit, err)
	}
}
