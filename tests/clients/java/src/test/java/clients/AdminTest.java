package clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.apache.pegasus.client.ListAppInfoType;
import org.apache.pegasus.client.PException;
import org.apache.pegasus.client.PegasusAdminClientFactory;
import org.apache.pegasus.client.PegasusAdminClientInterface;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The admin client: making, finding and dropping tables. */
class AdminTest extends ClientTest {
  private PegasusAdminClientInterface admin;

  @BeforeEach
  void openAdmin() throws PException {
    admin = PegasusAdminClientFactory.createClient(options().build());
  }

  @AfterEach
  void closeAdmin() {
    admin.close();
  }

  private List<String> names(ListAppInfoType type) throws PException {
    return admin.listApps(type).stream().map(info -> info.app_name).toList();
  }

  @Test
  void createListDrop() throws PException {
    String name = "made_by_java";
    admin.createApp(name, 4, 3, Map.of(), 60_000);
    assertTrue(admin.isAppHealthy(name, 3));
    assertFalse(admin.isAppHealthy(name, 5));
    assertTrue(names(ListAppInfoType.LT_AVAILABLE_APPS).contains(name));
    client.set(name, hashKey, bytes("s"), bytes("v"));

    admin.createApp(name, 4, 3, Map.of(), 60_000, true);
    var error =
        assertThrows(
            PException.class, () -> admin.createApp(name, 4, 3, Map.of(), 60_000, false));
    assertTrue(error.getMessage().contains("ERR_APP_EXIST"), error.getMessage());

    admin.dropApp(name, 3600);
    assertFalse(names(ListAppInfoType.LT_AVAILABLE_APPS).contains(name));
    assertTrue(names(ListAppInfoType.LT_ALL_APPS).contains(name));
    admin.dropApp(name, 3600);
    assertThrows(PException.class, () -> admin.isAppHealthy(name, 3));
  }

  @Test
  void otherTablesAreListedAsTheyAre() throws PException {
    var info =
        admin.listApps(ListAppInfoType.LT_AVAILABLE_APPS).stream()
            .filter(app -> app.app_name.equals(TABLE))
            .findFirst()
            .orElseThrow();
    assertEquals("pegasus", info.app_type);
    assertEquals(PARTITIONS, info.partition_count);
    assertEquals(3, info.max_replica_count);
    assertTrue(info.is_stateful);
  }

  @Test
  void argumentsThatTheClientRefuses() {
    assertThrows(PException.class, () -> admin.createApp("", 4, 3, Map.of(), 1000));
    assertThrows(PException.class, () -> admin.createApp("bad name", 4, 3, Map.of(), 1000));
    assertThrows(PException.class, () -> admin.createApp("good", 0, 3, Map.of(), 1000));
    assertThrows(PException.class, () -> admin.createApp("good", 4, 0, Map.of(), 1000));
    assertThrows(PException.class, () -> admin.createApp("good", 4, 3, Map.of(), 0));
    assertThrows(PException.class, () -> admin.dropApp("", 0));
    assertThrows(PException.class, () -> admin.isAppHealthy(TABLE, 0));
  }
}
