import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.SourceConnector;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;

/** A source that fails where its `trouble` says: start, task, never; or that has no tasks at all. */
public class TroubleConnector extends SourceConnector {
    private Map<String, String> settings;

    @Override
    public void start(Map<String, String> given) {
        settings = given;
        if ("start".equals(given.get("trouble"))) {
            throw new ConnectException("told to fail in start()");
        }
    }

    @Override
    public Class<? extends Task> taskClass() {
        return TroubleTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int most) {
        List<Map<String, String>> tasks = new ArrayList<>();
        if (!"no-tasks".equals(settings.get("trouble"))) {
            for (int number = 0; number < most; number++) {
                tasks.add(settings);
            }
        }
        return tasks;
    }

    @Override
    public void stop() {}

    @Override
    public ConfigDef config() {
        return new ConfigDef();
    }

    @Override
    public String version() {
        return "1.0";
    }

    public static class TroubleTask extends SourceTask {
        private boolean fails;

        @Override
        public void start(Map<String, String> given) {
            fails = "task".equals(given.get("trouble"));
        }

        @Override
        public List<SourceRecord> poll() throws InterruptedException {
            Thread.sleep(200);
            if (fails) {
                throw new ConnectException(
                        "told to fail in poll()", new IllegalStateException("the cause, ü中"));
            }
            return null;
        }

        @Override
        public void stop() {}

        @Override
        public String version() {
            return "1.0";
        }
    }
}
