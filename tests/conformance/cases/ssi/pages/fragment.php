<?php
header('X-Fragment: yes');
echo $_SERVER['DOCUMENT_URI'], ' ', $_GET['a'], ' ', $_SERVER['REQUEST_METHOD'];
