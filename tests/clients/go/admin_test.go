// The admin client: tables and nodes.

package clients

import (
	"testing"
	"time"

	"github.com/apache/incubator-pegasus/go-client/admin"
	adminidl "github.com/apache/incubator-pegasus/go-client/idl/admin"
	"github.com/apache/incubator-pegasus/go-client/idl/replication"
	"github.com/stretchr/testify/require"
)

func newAdmin(t *testing.T) admin.Client {
	client := admin.NewClient(admin.Config{MetaServers: metaServers(t), Timeout: patience})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

func tableNames(t *testing.T, client admin.Client, status ...interface{}) []string {
	tables, err := client.ListTables(status...)
	require.NoError(t, err)
	var names []string
	for _, info := range tables {
		names = append(names, info.AppName)
	}
	return names
}

func TestAdminTables(t *testing.T) {
	client := newAdmin(t)
	const name = "made_by_go"
	id, err := client.CreateTable(name, 4, 3, map[string]string{}, 60)
	require.NoError(t, err)
	require.Contains(t, tableNames(t, client), name)

	again, err := client.CreateTable(name, 4, 3, map[string]string{}, 60)
	require.NoError(t, err)
	require.Equal(t, id, again, "by default a table that exists is no error")
	_, err = client.CreateTable(name, 4, 3, map[string]string{}, 60, false)
	require.ErrorContains(t, err, "ERR_APP_EXIST")

	queried, partitionCount, partitions, err := client.QueryConfig(name)
	require.NoError(t, err)
	require.Equal(t, id, queried)
	require.EqualValues(t, 4, partitionCount)
	require.Len(t, partitions, 4)
	for _, partition := range partitions {
		require.NotZero(t, partition.Primary.GetRawAddress())
		require.Len(t, partition.Secondaries, 2)
	}
	tb := openTable(t, name)
	require.NoError(t, tb.Set(soon(t), []byte("h"), []byte("s"), []byte("v")))

	require.NoError(t, client.DropTable(name, 3600))
	require.NotContains(t, tableNames(t, client), name)
	require.Contains(t, tableNames(t, client, replication.AppStatus_AS_DROPPED), name)
	require.NoError(t, client.DropTable(name, 3600), "a table that is not there is no error")
	_, _, _, err = client.QueryConfig(name)
	require.ErrorContains(t, err, "ERR_OBJECT_NOT_FOUND")
}

func TestAdminNodes(t *testing.T) {
	client := newAdmin(t)
	nodes, err := client.ListNodes()
	require.NoError(t, err)
	require.Len(t, nodes, 3)
	for _, node := range nodes {
		require.Equal(t, adminidl.NodeStatus_NS_ALIVE, node.Status)
	}
	nodes, err = client.ListNodes(adminidl.NodeStatus_NS_UNALIVE)
	require.NoError(t, err)
	require.Empty(t, nodes)
}

func TestAdminTimeout(t *testing.T) {
	client := admin.NewClient(admin.Config{MetaServers: []string{silentServer(t)}, Timeout: patience})
	defer client.Close()
	require.Equal(t, patience, client.GetTimeout())
	client.SetTimeout(300 * time.Millisecond)
	_, err := client.ListTables()
	require.ErrorContains(t, err, "deadline exceeded")
}
